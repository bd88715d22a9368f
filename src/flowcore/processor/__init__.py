"""The Dag processor: watches the Dag folder, has each changed file read by a process, stores the outcome.

Read `service.py` first. `catalogue.py` decides which files are read and what is written, without any I/O.
"""
