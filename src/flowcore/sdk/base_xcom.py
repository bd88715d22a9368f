"""`BaseXCom`: the base of XCom backends that were written for Airflow."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class XComResult:
    """What `deserialize_value` is given: the JSON value that the database keeps."""

    value: Any


class BaseXCom:
    """Overridden by a backend that keeps values elsewhere; the setting `xcom_backend` names its class.

    New backends had better implement `flowcore.abc.XComBackend`. `purge` and the class methods that read
    and write XComs have no counterpart here.
    """

    XCOM_RETURN_KEY = "return_value"

    @staticmethod
    def serialize_value(
        value: Any,
        *,
        key: str | None = None,
        task_id: str | None = None,
        dag_id: str | None = None,
        run_id: str | None = None,
        map_index: int | None = None,
    ) -> Any:
        """The JSON value that the database keeps in the place of `value`."""
        return value

    @staticmethod
    def deserialize_value(result: XComResult) -> Any:
        """The value that `serialize_value` was given."""
        return result.value
