"""Partitions of assets: how keys of updates become keys of runs, and which of them a run waits for.

Everything here is a frozen value that says what it is in a document (`documents.py`), so that schedulers need
no code of authors.
"""
