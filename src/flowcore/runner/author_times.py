"""Times as Dag authors know them from Airflow: of pendulum, where that is installed.

`{{ logical_date.add(months=1) }}` is an everyday line. A `pendulum.DateTime` is a `datetime` too.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import cast, overload

# Once per process, and before any try is forked: it takes longer than a try.
_pendulum = import_module("pendulum") if find_spec("pendulum") else None


@overload
def author_time(time: datetime) -> datetime: ...
@overload
def author_time(time: None) -> None: ...
def author_time(time: datetime | None) -> datetime | None:
    """The same time, in the same zone."""
    return None if time is None else _author_time(time)


@lru_cache(maxsize=4096)  # the tries of a run have the same ones
def _author_time(time: datetime) -> datetime:
    return time if _pendulum is None else cast("datetime", _pendulum.instance(time))
