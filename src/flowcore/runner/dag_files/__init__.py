"""Dag files in the processes that import them: what they read and define, and the report on it."""
