"""One file per routine, all of one shape: claim and apply through the store, decide in `decisions/`."""
