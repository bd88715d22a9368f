"""Units of work, one module per routine or question: plain functions of a SQLAlchemy connection.

Each claims with row locks in a fixed order (dag, dag_run, pool, task_instance), applies in set-based
statements, and wakes whoever is to take over. None of them waits, reads a clock, or keeps state; the
time is passed in.
"""
