"""What needs no service: shell commands, Python in other environments, waiting for time and files.

Names, arguments and meanings are those of Airflow's standard provider.
"""
