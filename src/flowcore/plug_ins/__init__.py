"""What others bring: by entry points, or as plug-ins written for Airflow. Read when it is first asked for."""
