"""`var` and `conn` of the context: `{{ var.value.bucket }}`, `{{ conn.warehouse.host }}`.

They block, as templates do; coroutines `await Variable.aget(...)` and `Connection.aget(...)`.
"""

from __future__ import annotations

from typing import Any

import attrs

from flowcore.errors import ConnectionNotFound, VariableNotFound
from flowcore.sdk.connections import Connection
from flowcore.sdk.variables import Variable

_MISSING: Any = object()


@attrs.frozen
class VariableAccessor:
    """Variables by attribute; `var.value` has texts, `var.json` the values that they are the JSON of."""

    _deserialize_json: bool

    def __getattr__(self, key: str) -> Any:
        _refuse_pythons_own(key)
        return Variable.get(key, deserialize_json=self._deserialize_json)

    def get(self, key: str, default: Any = _MISSING) -> Any:
        """The variable, or `default` when there is none."""
        try:
            return getattr(self, key)
        except VariableNotFound:
            if default is _MISSING:
                raise
            return default


@attrs.frozen
class ConnectionAccessor:
    """Connections by attribute."""

    def __getattr__(self, conn_id: str) -> Connection:
        _refuse_pythons_own(conn_id)
        return Connection.get(conn_id)

    def get(self, conn_id: str, default: Any = _MISSING) -> Any:
        """The connection, or `default` when there is none."""
        try:
            return getattr(self, conn_id)
        except ConnectionNotFound:
            if default is _MISSING:
                raise
            return default


def _refuse_pythons_own(name: str) -> None:
    # Python and Jinja ask any object for `__html__`, `__deepcopy__` and the like.
    if name.startswith("__"):
        raise AttributeError(name)
