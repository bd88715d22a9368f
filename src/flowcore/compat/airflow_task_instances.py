"""`TaskInstance` of `airflow.models.taskinstance`: a row of Airflow's database, which tasks here do not get.

Dag files annotate with it. Listeners ask whether they were given one, and then know that they were called
by Airflow's API: the task instance of a try is none.
"""

from __future__ import annotations


class TaskInstance:
    """Nothing is one."""
