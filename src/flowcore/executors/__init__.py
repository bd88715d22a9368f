"""Where tries run. `flowcore.abc.Executor` says what an executor owes the scheduler."""
