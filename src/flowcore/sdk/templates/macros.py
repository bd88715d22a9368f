"""`macros`: what templates compute with, `{{ macros.ds_add(ds, -1) }}`. Airflow's names and meanings.

Some of them need a library that flowcore does not: `dateutil` (python-dateutil), `yaml` (PyYAML),
`ds_format_locale` (Babel) and `datetime_diff_for_humans` (pendulum). Plug-ins bring others by their names.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime, timedelta
from importlib import import_module
from random import random
from types import ModuleType
from typing import Any

from flowcore.errors import UsageError
from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import Kind

__all__ = [
    "datetime",
    "datetime_diff_for_humans",
    "ds_add",
    "ds_format",
    "ds_format_locale",
    "json",
    "random",
    "time",
    "timedelta",
    "uuid",
]

_DS = "%Y-%m-%d"
#: Macros that are modules of other distributions.
_MODULES = {"dateutil": "python-dateutil", "yaml": "PyYAML"}


def ds_add(ds: str, days: int) -> str:
    """The day `days` after `ds`, both as 2024-01-31; before it when negative."""
    return (_day(ds) + timedelta(days)).strftime(_DS)


def ds_format(ds: str, input_format: str, output_format: str) -> str:
    """Spell a time otherwise; the formats are those of `strptime` and `strftime`."""
    return datetime.strptime(str(ds), input_format).strftime(output_format)  # noqa: DTZ007


def ds_format_locale(ds: str, input_format: str, output_format: str, locale: Any = None) -> str:
    """Spell a time in the words of a locale such as `en_US`; `output_format` is one of Babel's."""
    babel = _needed("babel.dates", "Babel")
    moment = datetime.strptime(str(ds), input_format)  # noqa: DTZ007
    return str(babel.format_datetime(moment, format=output_format, locale=locale or babel.LC_TIME))


def datetime_diff_for_humans(dt: datetime, since: datetime | None = None) -> str:
    """How long ago a time is, in words; with `since`, how long before or after that."""
    return str(_needed("pendulum", "pendulum").instance(dt).diff_for_humans(since))


def _day(ds: str) -> datetime:
    return datetime.strptime(str(ds), _DS)  # noqa: DTZ007


def _needed(module: str, distribution: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError:
        raise UsageError(
            f"a macro needs the module {module!r}, which is not installed; `pip install {distribution}`"
        ) from None


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        if not name.startswith("__") and (plug_in := catalogue().get(Kind.MACROS, name)):
            return plug_in.load()
        known = sorted([*__all__, *_MODULES])
        raise AttributeError(f"there is no macro {name!r}; there are {', '.join(known)}")
    return _needed(name, _MODULES[name])
