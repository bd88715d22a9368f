"""`airflow.utils.log.logging_mixin.LoggingMixin`: the logger that classes for Airflow inherit."""

from __future__ import annotations

import logging


class HasLog:
    """Gives `self.log`, a logger that is called like the class."""

    @property
    def log(self) -> logging.Logger:
        """The logger."""
        return logging.getLogger(f"{type(self).__module__}.{type(self).__qualname__}")
