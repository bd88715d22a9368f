"""Connections and variables: where they are looked up, how they are kept from being looked up twice or shown.

`service.py` is what the others use. A lookup goes through the cache (`cache.py`) down the chain
(`chain.py`) of backends, each behind a guard (`guard.py`) that bounds what a bad one can do. The backends
that ask a service are in `remote/`; that of the metadata database is in `database/metadata_backend.py`.
"""
