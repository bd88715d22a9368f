"""`HasLog`: the `self.log` of operators, sensors and hooks, which is also Airflow's `LoggingMixin`."""

from __future__ import annotations

import logging


class HasLog:
    """Gives `self.log`, a logger that is called like the class, or as `_logger_name` says."""

    _logger_name: str | None = None

    @property
    def log(self) -> logging.Logger:
        """The logger; what it is told goes to the log of the try."""
        return logging.getLogger(self._logger_name or f"{type(self).__module__}.{type(self).__qualname__}")
