"""The vocabulary and the rules: frozen values and pure functions, no clock, no I/O, no randomness."""
