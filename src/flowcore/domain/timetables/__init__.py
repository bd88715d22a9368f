"""When the runs of a Dag are due: Airflow's timetables as values that are handed `now`.

`registry.py` finds the timetable of a `schedule=` argument or of a stored document. Every time in
and out is aware and in UTC; only cron expressions look at a time zone.
"""
