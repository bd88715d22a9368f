"""What a task asks about XComs, apart from those that its arguments name; see `messages.py`.

Each may fail with DatabaseUnavailable.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.sdk.comms.messages import Answer, Request

#: Task, map index (-1 when it is not mapped) and JSON text of an XCom.
FoundXCom = tuple[str, int, str]


@attrs.frozen
class XComsFound(Answer):
    """What tasks pushed, by task and map index, in the order of the tasks that were asked for."""

    xcoms: tuple[FoundXCom, ...]


@attrs.frozen
class FindXComs(Request[XComsFound]):
    """Find what tasks of a run pushed under a key, in all their instances."""

    dag_run_id: int
    task_ids: tuple[str, ...]
    key: str


@attrs.frozen
class XComCount(Answer):
    """How many there are."""

    count: int


@attrs.frozen
class CountXComs(Request[XComCount]):
    """Count the instances of a task of a run that succeeded and pushed something under a key."""

    dag_run_id: int
    task_id: str
    key: str


@attrs.frozen
class SliceXComs(Request[XComsFound]):
    """Find at most `limit` of these, by map index, from the one that has `start` of them before it."""

    dag_run_id: int
    task_id: str
    key: str
    start: int
    limit: int


@attrs.frozen
class SearchXComs(Request[XComsFound]):
    """The same in a run of any Dag by its name.

    With `until` each task is looked for in the runs with logical dates up to that, the latest one that
    has an XCom counting; `run_id` is then left aside.
    """

    dag_id: str
    run_id: str
    task_ids: tuple[str, ...]
    key: str
    until: datetime | None = None
