"""Callbacks of tasks and Dags: how they are called, where, and where their logs go."""
