"""`get_parsing_context`: for which task a Dag file is being read."""

from __future__ import annotations

from typing import NamedTuple


class ParsingContext(NamedTuple):
    """The Dag and the task that are wanted of the file; None: all of them."""

    dag_id: str | None = None
    task_id: str | None = None


def get_parsing_context() -> ParsingContext:
    """Tell a Dag file what it is read for, so that it may leave out the rest.

    It is always read for all of its Dags: one process that has imported a file carries out tries of any
    of its tasks.
    """
    return ParsingContext()
