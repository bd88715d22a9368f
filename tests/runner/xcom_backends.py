"""XCom backends of operators, for tests."""

from __future__ import annotations

import json
import threading
from typing import Any, ClassVar

from flowcore.domain.xcoms import XComPlace
from flowcore.sdk import BaseXCom


class KeptElsewhere:
    """Keeps values in a dict of the process, and notes the thread of each call."""

    waits = True
    values: ClassVar[dict[str, Any]] = {}
    threads: ClassVar[set[int]] = set()
    purged: ClassVar[list[XComPlace]] = []

    def __init__(self, prefix: str = "kept") -> None:
        self.prefix = prefix

    def serialize(self, value: Any, place: XComPlace) -> Any:
        self.threads.add(threading.get_ident())
        name = f"{self.prefix}:{place.task_id}:{place.token}:{place.key}"
        if value == "refuse":
            raise OSError("the disk is full")
        self.values[name] = value
        return name

    def deserialize(self, stored: Any) -> Any:
        self.threads.add(threading.get_ident())
        return self.values[stored]

    def purge(self, place: XComPlace) -> None:
        self.threads.add(threading.get_ident())
        self.purged.append(place)


class SetsForAirflow(BaseXCom):
    """A backend as it was written for Airflow; lets tasks push sets."""

    @staticmethod
    def serialize_value(value: Any, *, key: Any = None, task_id: Any = None, **others: Any) -> Any:
        if isinstance(value, set):
            value = f"{task_id}/{key}:{json.dumps(sorted(value))}"
        return BaseXCom.serialize_value(value, key=key, task_id=task_id, **others)

    @staticmethod
    def deserialize_value(result: Any) -> Any:
        value = BaseXCom.deserialize_value(result)
        return set(json.loads(value.partition(":")[2])) if isinstance(value, str) else value
