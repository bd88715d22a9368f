"""`Timetable` as Airflow has it: a base class, of which a timetable of one's own need not store anything."""

from __future__ import annotations

from typing import Any, Self


class Timetable:
    """What timetables written for Airflow inherit from."""

    description: str = ""
    periodic: bool = True
    active_runs_limit: int | None = None

    @property
    def summary(self) -> str:
        """The schedule in a few characters."""
        return type(self).__name__

    def serialize(self) -> dict[str, Any]:
        """What `deserialize` needs to make an equal timetable."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """The timetable again."""
        return cls()
