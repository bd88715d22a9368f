"""The only package that speaks SQL.

- `engine.py` opens a database; `lanes.py` says what every lane promises
- `tables/` is the schema, `schema.py` and `migrations/` bring databases to it
- `queries/` are the units of work, `store.py` puts them together for the scheduler
- `types.py`, `rows.py`, `wakeups.py` and `unanswered.py` are what units are written with
"""
