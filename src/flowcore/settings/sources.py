"""Where the value of each option is found.

A later source wins:

1. the default;
2. the file `flowcore.toml` of the current folder, or the one that FLOWCORE_CONFIG names;
3. the environment variable `FLOWCORE_` + the option's name;
4. the command line.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
from typed_settings import SettingsState
from typed_settings.converters import TSConverter
from typed_settings.exceptions import TsError
from typed_settings.loaders import EnvLoader, TomlFormat
from typed_settings.types import OptionInfo

from flowcore.errors import SettingsError
from flowcore.settings.options import SECRET_OPTIONS, Settings

FILE_NAME = "flowcore.toml"
FILE_VARIABLE = "FLOWCORE_CONFIG"
PREFIX = "FLOWCORE_"
#: Connections and variables of tasks are in the environment, too, and are called as their owners like.
SECRET_PREFIXES = ("FLOWCORE_CONN_", "FLOWCORE_VAR_")

#: How the type of an option is put into words, and which values of a file are of that type.
_TYPES: Mapping[type, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("a text", ()),
    Path: ("a path", (type(Path()),)),
}
_PASSWORD = re.compile(r"(?<=://)([^:/@?#]*):.*@")
_PASSWORD_ARGUMENT = re.compile(r"(?<=[?&])(password|sslpassword)=[^&]*")


@attrs.frozen
class Given:
    """The value of one option, and a name for where it came from."""

    name: str
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value in words, without what is secret in it."""
        hidden = self.name in SECRET_OPTIONS and self.source != "default"
        return "***" if hidden else masked(self.value)


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the settings; `overrides` are those of the command line, where None means "not given".

    Raises:
        SettingsError: an option is unknown, or its value cannot be used; says where that stands.
    """
    return Settings(**{given.name: given.value for given in explain_settings(overrides)})


def explain_settings(overrides: Mapping[str, object] | None = None) -> tuple[Given, ...]:
    """Read the settings as `load_settings` does, and tell each option's value and source.

    Raises:
        SettingsError: as for `load_settings`.
    """
    # Made anew each time: it remembers the current folder.
    converter = TSConverter()
    options = SettingsState(Settings, (), (), converter, Path.cwd()).options_by_path
    found = {name: Given(name, value, "default") for name, value in _defaults().items()}
    for given in (*_from_file(options), *_from_environment(options), *_from_command_line(overrides or {})):
        found[given.name] = attrs.evolve(given, value=_converted(converter, options[given.name], given))
    return tuple(found.values())


def masked(value: object) -> str:
    """Put a value into words without the password that a database URL may carry."""
    return _PASSWORD_ARGUMENT.sub(r"\1=***", _PASSWORD.sub(r"\1:***@", str(value)))


def _defaults() -> dict[str, Any]:
    return attrs.asdict(Settings(), recurse=False)


def _from_file(options: Mapping[str, OptionInfo]) -> Iterator[Given]:
    named = os.environ.get(FILE_VARIABLE)
    path = Path(named or FILE_NAME).absolute()
    if not named and not path.exists():
        return
    try:
        values = TomlFormat(None)(path, Settings, tuple(options.values()))
    except (TsError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}; mend it, or name another file in {FILE_VARIABLE}"
        ) from error
    for name, value in values.items():
        if name not in options:
            raise SettingsError(f"{path} has an unknown option {name!r}; {_advice(name, options)}")
        yield Given(name, _beside(path, options[name], value), str(path))


def _beside(file: Path, option: OptionInfo, value: Any) -> Any:
    # A relative path in a file means the same whoever reads the file from wherever.
    return file.parent / value if option.cls is Path and isinstance(value, str) else value


def _from_environment(options: Mapping[str, OptionInfo]) -> Iterator[Given]:
    loader = EnvLoader(PREFIX)
    variables = {loader.get_envvar(option): name for name, option in options.items()}
    _refuse_misspelt(os.environ, variables)
    loaded = loader(Settings, tuple(options.values()))
    for variable, name in variables.items():
        if loaded.settings.get(name):  # an empty variable counts as not set
            yield Given(name, loaded.settings[name], f"environment variable {variable}")


def _refuse_misspelt(names: Iterable[str], variables: Mapping[str, str]) -> None:
    # Only what resembles an option is refused: others may set FLOWCORE_… too, such as Kubernetes,
    # which announces a service called "flowcore" in FLOWCORE_SERVICE_HOST to every container.
    for name in sorted(name for name in names if name.startswith(PREFIX)):
        if name in variables or name == FILE_VARIABLE or name.startswith(SECRET_PREFIXES):
            continue
        if close := difflib.get_close_matches(name, variables, n=1, cutoff=0.85):
            raise SettingsError(f"environment variable {name} is unknown; did you mean {close[0]}?")


def _from_command_line(overrides: Mapping[str, object]) -> Iterator[Given]:
    for name, value in overrides.items():
        if value is not None:
            yield Given(name, value, "command line")


def _converted(converter: TSConverter, option: OptionInfo, given: Given) -> Any:
    problem = f"{given.source} sets {given.name} to {given.shown!r}"
    wanted, types = _wanted(option.cls)
    if not isinstance(given.value, str) and type(given.value) not in types:
        raise SettingsError(f"{problem}; it must be {wanted}")
    try:
        value: Any = converter.structure(given.value, option.cls)
    except ValueError as error:
        raise SettingsError(f"{problem}; it must be {wanted}") from error
    try:
        attrs.evolve(Settings(), **{given.name: value})
    except ValueError as error:  # "'threads' must be >= 1: 0"
        raise SettingsError(f"{problem}; {str(error).rpartition(':')[0]}") from error
    return value


def _wanted(kind: type) -> tuple[str, tuple[type, ...]]:
    if issubclass(kind, StrEnum):
        return f"one of {', '.join(kind)}", (kind,)
    return _TYPES[kind]


def _advice(name: str, options: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, options, n=1)
    return f"did you mean {close[0]!r}?" if close else "see `flowcore config list`"
