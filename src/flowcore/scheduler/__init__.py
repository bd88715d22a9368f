"""The scheduler: independent routines that hand work to each other through the database.

- `wake_graph.py` says which write wakes which routine
- `routines/` claim, decide and apply, one file each
- `decisions/` are their pure twins: what to do, given a snapshot
- `store.py` is what the routines need of a database
- `service.py` starts and stops them
"""
