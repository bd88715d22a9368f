"""Timetables that others wrote: classes that plug-ins bring.

The class has Airflow's methods; `PlugInTimetable` makes of an object of it what the scheduler works with.
The name of the plug-in (of an entry point, or the path of the class) stands in stored documents: it must stay
what it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.errors import DagError
from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import Kind, path_of


@attrs.frozen(slots=False)
class PlugInTimetable:
    """An author's timetable under the name of its plug-in.

    Two are equal when their documents are. Only `next_dagrun_info`, `infer_manual_data_interval` and
    `serialize` must be there; `next_dagrun_info` is told `now` if it takes it.
    """

    name: str
    written: Any = attrs.field(eq=False)
    document: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, written: Any) -> PlugInTimetable:
        """Wrap an object of the class that the plug-in brings.

        Raises:
            DagError: It cannot say how it is stored.
        """
        try:
            return cls(name, written, dict(written.serialize()))
        except Exception as error:
            raise DagError(
                f"the timetable {name!r} cannot be stored ({type(error).__name__}: {error}); let its"
                " serialize() return an object of JSON values"
            ) from error

    @property
    def summary(self) -> str:
        return str(getattr(self.written, "summary", None) or self.name)

    @property
    def active_runs_limit(self) -> int | None:
        limit = getattr(self.written, "active_runs_limit", None)
        return None if limit is None else int(limit)

    @property
    def is_periodic(self) -> bool:
        # Airflow's name for it.
        return bool(getattr(self.written, "is_periodic", getattr(self.written, "periodic", True)))

    @cached_property
    def _takes_now(self) -> bool:
        parameters = inspect.signature(self.written.next_dagrun_info).parameters.values()
        return any(one.name == "now" or one.kind is one.VAR_KEYWORD for one in parameters)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        arguments: dict[str, Any] = {"now": now} if self._takes_now else {}
        info = self.written.next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction, **arguments
        )
        return None if info is None else _run_of(info)

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        try:
            interval = self.written.infer_manual_data_interval(run_after=run_after)
            return DataInterval(interval.start, interval.end)
        except Exception as error:
            raise DagError(
                f"the timetable {self.name!r} failed with {type(error).__name__}: {error}; correct its"
                " infer_manual_data_interval()"
            ) from error

    def serialize(self) -> dict[str, Any]:
        return {"type": self.name, "plug_in": dict(self.document)}


def plug_in_name(written: object) -> str | None:
    """The name of the plug-in whose class this is an object of; None when there is none."""
    path = path_of(type(written))
    brought = catalogue().by_kind[Kind.TIMETABLE]
    return next((name for name, plug_in in brought.items() if plug_in.path == path), None)


def load_plug_in(document: Mapping[str, Any]) -> PlugInTimetable | None:
    """The timetable of a stored document; None when no plug-in has its name.

    Raises:
        DagError: The class cannot be imported, or does not take what it stored.
    """
    name = document.get("type", "")
    plug_in = catalogue().get(Kind.TIMETABLE, name)
    if plug_in is None:
        return None
    stored = document.get("plug_in", {})
    try:
        cls = plug_in.load()
        written = cls.deserialize(stored) if hasattr(cls, "deserialize") else cls()
    except Exception as error:
        raise DagError(
            f"the timetable {name!r} ({plug_in.path}) cannot be loaded: {type(error).__name__}: {error};"
            " mend or install the package that it comes from"
        ) from error
    return PlugInTimetable(name, written, stored)


def _run_of(info: Any) -> DagRunInfo:
    """What an author returned as a value of ours: it may be a class of Airflow's that has the same fields."""
    interval = DataInterval(info.data_interval.start, info.data_interval.end)
    logical_date = getattr(info, "logical_date", None) or interval.start
    return DagRunInfo(run_after=info.run_after, logical_date=logical_date, data_interval=interval)
