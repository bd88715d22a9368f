"""Assets as Dag authors meet them: their decorator, events of outlets and inlets, and checks."""
