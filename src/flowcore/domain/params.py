"""The params of a run: the defaults of the Dag, overridden by what the run was given, and checked.

A Dag describes a param by a document `{"default": ..., "schema": {...}, "description": ...}`, each
part of which may be absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import fastjsonschema

from flowcore.errors import DagError, ParamError

# A schema that refers to a file or an address must not make the scheduler read it.
_REFUSED_SCHEMES = ("", "data", "file", "ftp", "http", "https")
# What fastjsonschema raises about a schema, the latter ones where it did not expect such nonsense.
_MALFORMED = (
    fastjsonschema.JsonSchemaDefinitionException,
    re.error,
    AttributeError,
    TypeError,
    OSError,
    RecursionError,
)


def validate_params(
    dag_id: str, params: Mapping[str, Mapping[str, Any]], conf: Mapping[str, Any]
) -> dict[str, Any]:
    """The params of a run that is given `conf`. Keys of it that no param declares are passed through.

    Raises:
        ParamError: A value breaks the schema of its param, or a param has no value at all.
        DagError: The schema of a param is malformed.
    """
    defaults = {name: document["default"] for name, document in params.items() if "default" in document}
    values = {**defaults, **conf}
    for name, document in params.items():
        if name not in values:
            raise ParamError(f"param {name!r} of Dag {dag_id!r} has no default; give it a value in the conf")
        _check(dag_id, name, document.get("schema", {}), values[name])
    return values


def _check(dag_id: str, name: str, schema: Mapping[str, Any], value: Any) -> None:
    try:
        _validator(json.dumps(schema))(value)
    except fastjsonschema.JsonSchemaValueException as error:
        place = name + (error.name or "").removeprefix("data")
        raise ParamError(
            f"param {place!r} of Dag {dag_id!r} is {error.value!r}, which breaks its rule"
            f" {error.rule} = {error.rule_definition!r}; give a value that keeps it"
        ) from error
    except _MALFORMED as error:
        raise DagError(
            f"the schema of param {name!r} of Dag {dag_id!r} is wrong: {error}; correct it"
        ) from error


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Callable[[Any], Any]:
    validator: Callable[[Any], Any] = fastjsonschema.compile(
        json.loads(schema), handlers=dict.fromkeys(_REFUSED_SCHEMES, _refuse), use_default=False
    )
    return validator


def _refuse(address: str) -> NoReturn:
    raise fastjsonschema.JsonSchemaDefinitionException(f"it refers to {address!r}, outside of itself")
