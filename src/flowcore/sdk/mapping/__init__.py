"""Tasks that run once for each element: `expand`, and the sequences that come of it."""
