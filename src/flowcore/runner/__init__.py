"""One try of one task instance: what it needs, how it is called, how it ended."""
