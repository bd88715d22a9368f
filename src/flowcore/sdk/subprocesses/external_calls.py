"""A call of a function in another Python: the function's text, its arguments, and what it returned, as files.

That Python knows neither flowcore nor the Dag file.
"""

from __future__ import annotations

import ast
import inspect
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs

from flowcore.errors import DagError
from flowcore.sdk.task_callables import TaskCallable

#: Which libraries may write the arguments. The other Python needs the library, too.
SERIALIZERS = ("pickle", "cloudpickle", "dill")
#: A protocol that every Python reads that is still in use.
_PICKLE = 4
#: What the other Python reads them with; cloudpickle writes what pickle reads.
_READERS = {"dill": "dill"}

_SCRIPT = """\
virtualenv_string_args = {texts!r}

{source}

import json as _json, {reader} as _pickle, sys as _sys

with open(_sys.argv[1], "rb") as _file:
    _args, _kwargs = _pickle.load(_file)
_result = {name}(*_args, **_kwargs)
with open(_sys.argv[2], "w", encoding="utf-8") as _file:
    _json.dump(_result, _file)
"""


@attrs.frozen(kw_only=True)
class ExternalCall:
    """A function by its text and name, and how its arguments are written.

    `texts` are what the function finds in the global name `virtualenv_string_args`.
    """

    source: str
    name: str
    serializer: str = "pickle"
    texts: tuple[str, ...] = ()

    def write(self, folder: Path, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[str]:
        """Write what the other Python reads into a folder; the arguments of its command line.

        Raises:
            DagError: an argument cannot be pickled, or the serializer is not installed.
        """
        script, call = folder / "script.py", folder / "call"
        reader = _READERS.get(self.serializer, "pickle")
        text = _SCRIPT.format(texts=list(self.texts), source=self.source, reader=reader, name=self.name)
        script.write_text(text, encoding="utf-8")
        call.write_bytes(self._pickled(args, kwargs))
        return [str(script), str(call), str(folder / "result")]

    def result(self, folder: Path) -> Any:
        """What the function returned, when its process ended well."""
        return json.loads((folder / "result").read_text(encoding="utf-8"))

    def _pickled(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        plain = {name: plain_value(value) for name, value in kwargs.items()}
        try:
            written: bytes = self._library().dumps((tuple(args), plain), protocol=_PICKLE)
        except DagError:
            raise
        except Exception as error:
            raise DagError(
                f"the arguments of {self.name!r} cannot be pickled: {error}; give texts, numbers, lists and"
                " dicts"
            ) from error
        return written

    def _library(self) -> Any:
        if self.serializer == "pickle":
            return pickle
        try:
            return import_module(self.serializer)
        except ImportError:
            raise DagError(
                f"the serializer {self.serializer!r} is not installed; `pip install {self.serializer}`"
            ) from None


def check_serializer(serializer: str) -> str:
    """A serializer that is known.

    Raises:
        DagError: it is none.
    """
    if serializer not in SERIALIZERS:
        raise DagError(f"there is no serializer {serializer!r}; use {', '.join(SERIALIZERS)}")
    return serializer


def plain_source(called: TaskCallable) -> str:
    """The text of a function, without its decorators.

    Raises:
        DagError: it has none, or is a coroutine function.
    """
    function: Callable[..., Any] = called.function
    if called.is_async:
        raise DagError(f"{called.name!r} is a coroutine function; another Python calls functions only")
    try:
        [definition] = ast.parse(dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        raise DagError(
            f"the text of {called.name!r} is not to be had: {error}; write it with `def`"
        ) from None
    if not isinstance(definition, ast.FunctionDef):
        raise DagError(f"{called.name!r} is no function of its own; write it with `def`")
    definition.decorator_list = []
    return ast.unparse(definition)


def plain_value(value: Any) -> Any:
    """A value as every Python has it: the times of some libraries are classes of their own."""
    if isinstance(value, datetime):
        return datetime.fromisoformat(value.isoformat())
    return dict(value) if isinstance(value, Mapping) else value
