"""Commands and other Pythons: how tasks run them, in both colours, and end them."""
