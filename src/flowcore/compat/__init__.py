"""Lets Dag files that were written for Airflow import its names where Airflow itself is not installed.

`airflow_names.py` says which name of Airflow is which of ours, `airflow_modules.py` makes them importable.
"""
