"""`BaseHook`: what hooks, the clients of outside systems, have in common."""

from __future__ import annotations

from typing import Any

from flowcore.sdk.comms.questions import awaiting, blocking
from flowcore.sdk.connections import find_connection
from flowcore.sdk.loggers import HasLog


class BaseHook(HasLog):
    """Base of hooks; they find where to connect to in a connection, and log to `self.log`.

    `get_connection` is `Connection.get` for functions, `aget_connection` is `Connection.aget`.

    Args:
        logger_name: Of `self.log`; by default the name of the class.
    """

    def __init__(self, logger_name: str | None = None) -> None:
        self._logger_name = logger_name

    def get_conn(self) -> Any:
        """The client of the outside system; for subclasses to make."""
        raise NotImplementedError(f"{type(self).__name__} has no get_conn; write one that makes its client")

    get_connection = staticmethod(blocking(find_connection, face="BaseHook.get_connection"))
    aget_connection = staticmethod(awaiting(find_connection))
