"""The XCom backends that flowcore brings, by name, and how XComs are written and read with one of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import attrs

from flowcore.abc import XComBackend
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.xcoms import XComPlace
from flowcore.named_classes import Source, load_class, make_from
from flowcore.runner.xcoms.values import XComValues
from flowcore.sdk.base_xcom import BaseXCom, XComResult

BACKENDS: Mapping[str, Source] = {
    "database": Source("flowcore.runner.xcoms.backends:DatabaseXComs"),
    "objects": Source("flowcore.runner.xcoms.objects:ObjectXComs", "xcom-objects"),
}

_KIND = "XCom backend"
_GROUP = "flowcore.xcom_backends"


class DatabaseXComs:
    """Leaves values as they are: JSON in the metadata database."""

    waits = False

    def serialize(self, value: Any, place: XComPlace) -> Any:
        return value

    def deserialize(self, stored: Any) -> Any:
        return stored

    def purge(self, place: XComPlace) -> None: ...


@attrs.frozen
class AirflowXComs:
    """Calls a subclass of `BaseXCom` as Airflow does."""

    cls: type[BaseXCom]
    waits = True

    def serialize(self, value: Any, place: XComPlace) -> Any:
        return self.cls.serialize_value(
            value,
            key=place.key,
            task_id=place.task_id,
            dag_id=place.dag_id,
            run_id=place.run_id,
            map_index=place.map_index,
        )

    def deserialize(self, stored: Any) -> Any:
        return self.cls.deserialize_value(XComResult(stored))

    def purge(self, place: XComPlace) -> None: ...


@attrs.frozen
class XComs:
    """How XComs are written for the database, and read again."""

    backend: XComBackend
    values: XComValues

    def written(self, value: Any, place: XComPlace) -> str:
        """The JSON text that the database keeps; raises what the backend and `XComValues.dumps` do."""
        return self.values.dumps(self.backend.serialize(value, place))

    def read(self, text: str) -> Any:
        """The value; raises what the backend and `XComValues.loads` do."""
        return self.backend.deserialize(self.values.loads(text))


@lru_cache(maxsize=8)
def open_xcoms(settings: TrySettings) -> XComs:
    """What the operator has set; made once in each process.

    Raises:
        SettingsError: there is no such backend, an extra is missing, or it does not take the arguments.
    """
    values = XComValues(settings.allowed_deserialization_classes)
    return XComs(_make_backend(settings.xcom_backend, settings.xcom_backend_kwargs, values), values)


def _make_backend(name: str, kwargs: str, values: XComValues) -> XComBackend:
    cls = load_class(_KIND, name, BACKENDS, group=_GROUP)
    if inspect.isclass(cls) and issubclass(cls, BaseXCom):
        return AirflowXComs(cls)
    if name == "objects":
        cls = partial(cls, values=values)
    backend: XComBackend = make_from(cls, _KIND, name, option="xcom_backend_kwargs", kwargs=kwargs)
    return backend
