"""Settings: what an operator can set (`options.py`), and where each value is found (`sources.py`)."""

from flowcore.backends import Backend
from flowcore.settings.options import ExecutorName, IgnoreSyntax, LogLevel, Settings
from flowcore.settings.sources import Given, explain_settings, load_settings, masked

__all__ = [
    "Backend",
    "ExecutorName",
    "Given",
    "IgnoreSyntax",
    "LogLevel",
    "Settings",
    "explain_settings",
    "load_settings",
    "masked",
]
