"""Pure twins of the routines: frozen snapshots and the time in, changes out. Nothing here waits."""
