"""The release of Airflow whose names and meanings we follow; Dag files ask for it."""

VERSION = "3.3.2"
