"""`conf`: what Dag files ask Airflow's configuration for, from environment variables.

    conf.getint("reports", "page_size", fallback=100)      # AIRFLOW__REPORTS__PAGE_SIZE

flowcore's own settings are not in it: most are the operator's, and the processes of tasks do not have them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flowcore.errors import SettingsError

T = TypeVar("T")

_MISSING: Any = object()
_PREFIX = "AIRFLOW__"
#: What is so of every flowcore.
_FACTS: Mapping[tuple[str, str], str] = {
    ("core", "default_timezone"): "utc",
    ("core", "load_examples"): "False",
    ("core", "unit_test_mode"): "False",
}
_BOOLEANS = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


class Configuration:
    """Options by section and key; `fallback` is returned as it is where there is no value.

    Each method raises SettingsError when there is neither, and when the value is no such thing.
    """

    def get(self, section: str, key: str, fallback: Any = _MISSING) -> Any:
        """The text of an option."""
        return self._converted(section, key, fallback, str, "a text")

    def get_mandatory_value(self, section: str, key: str) -> str:
        """The text of an option that has to be there."""
        return str(self.get(section, key))

    def getint(self, section: str, key: str, fallback: Any = _MISSING) -> Any:
        """A whole number."""
        return self._converted(section, key, fallback, int, "a whole number")

    def getfloat(self, section: str, key: str, fallback: Any = _MISSING) -> Any:
        """A number."""
        return self._converted(section, key, fallback, float, "a number")

    def getboolean(self, section: str, key: str, fallback: Any = _MISSING) -> Any:
        """True or False."""
        return self._converted(section, key, fallback, _boolean, "true or false")

    def getjson(self, section: str, key: str, fallback: Any = _MISSING) -> Any:
        """The value that the text is the JSON of."""
        return self._converted(section, key, fallback, json.loads, "JSON")

    def getlist(self, section: str, key: str, fallback: Any = _MISSING, delimiter: str = ",") -> Any:
        """The parts of the text."""

        def parts(text: str) -> list[str]:
            return [part.strip() for part in text.split(delimiter)] if text else []

        return self._converted(section, key, fallback, parts, "a list")

    def has_option(self, section: str, key: str) -> bool:
        """Whether there is a value."""
        return _text_of(section, key) is not None

    def getsection(self, section: str) -> dict[str, str] | None:
        """The texts of all options of a section; None if it has none."""
        prefix = _variable(section, "")
        facts = {key: text for (where, key), text in _FACTS.items() if where == section.lower()}
        given = {
            name.removeprefix(prefix).lower(): text
            for name, text in os.environ.items()
            if name.startswith(prefix)
        }
        return {**facts, **given} or None

    def _converted(self, section: str, key: str, fallback: T, convert: Callable[[str], T], kind: str) -> T:
        text = _text_of(section, key)
        if text is None:
            if fallback is _MISSING:
                raise SettingsError(
                    f"there is no option {key!r} in section [{section}]; set the environment variable"
                    f" {_variable(section, key)}, or give a fallback"
                )
            return fallback
        try:
            return convert(text)
        except ValueError:
            raise SettingsError(f"{_variable(section, key)} is {text!r}; give {kind}") from None


conf = Configuration()


def _text_of(section: str, key: str) -> str | None:
    return os.environ.get(_variable(section, key), _FACTS.get((section.lower(), key.lower())))


def _variable(section: str, key: str) -> str:
    return f"{_PREFIX}{section.replace('.', '_').upper()}__{key.upper()}"


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError from None
