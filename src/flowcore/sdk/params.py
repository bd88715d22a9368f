"""Params: values that a run is given, with their defaults and JSON schemas."""

from __future__ import annotations

import json
from typing import Any

import attrs

from flowcore.domain.params import validate_params
from flowcore.errors import DagError, ParamError
from flowcore.sdk.references import Lookup, Reference


class Param:
    """A param of a Dag: a default, a description, and keywords of JSON schema (`type="integer"`, ...).

    Without a default every run must be given a value.
    """

    def __init__(self, default: Any = attrs.NOTHING, description: str | None = None, **schema: Any) -> None:
        self.default, self.description, self.schema = default, description, schema

    @property
    def is_required(self) -> bool:
        """Whether a run must be given a value."""
        return self.default is attrs.NOTHING

    def document(self) -> dict[str, Any]:
        """What the scheduler knows of the param; `flowcore.domain.params` says what it means."""
        default = {} if self.is_required else {"default": self.default}
        return {**default, "description": self.description, "schema": self.schema}


def checked_param(dag_id: str, name: str, value: Any) -> Param:
    """The param that an author declares by a `Param` or, as `value`, by its default alone.

    Raises:
        DagError: The default or the schema is not JSON, or the default breaks the schema.
    """
    param = value if isinstance(value, Param) else Param(value)
    document = param.document()
    try:
        json.dumps(document, allow_nan=False)
        # As JSON has it: keys are strings there.
        param.schema = json.loads(json.dumps(param.schema))
        # Without a default there is nothing to check before a run brings a value.
        if not param.is_required:
            validate_params(dag_id, {name: document}, {})
    except (TypeError, ValueError) as error:
        raise DagError(
            f"param {name!r} of Dag {dag_id!r} cannot be used: {error}; make it a JSON value that fits its"
            " schema"
        ) from error
    return param


@attrs.frozen
class DagParam(Reference):
    """The value that a param has in a run, as an argument of tasks; `dag.param(name)` makes it."""

    name: str

    def resolve(self, lookup: Lookup) -> Any:
        """The value in the run.

        Raises:
            ParamError: The run has no such param.
        """
        if self.name not in lookup.params:
            raise ParamError(f"the run has no param {self.name!r}; declare it in `params` of the Dag")
        return lookup.params[self.name]
