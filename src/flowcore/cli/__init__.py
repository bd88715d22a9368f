"""The command line `flowcore`, with Airflow's command names; one module a command group.

Commands read arguments, call the layers below and print. What is printed as a result goes to standard
output, everything else to standard error. Exit status: 0 success, 1 failure, 2 unusable input.
"""

from flowcore.cli.entry import main

__all__ = ["main"]
