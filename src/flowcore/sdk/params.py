"""Params: values that a run is given, with their defaults and JSON schemas."""

from __future__ import annotations

import json
from typing import Any

import attrs
import fastjsonschema

from flowcore.errors import DagError, ParamError
from flowcore.sdk.references import Lookup, Reference


class Param:
    """A param of a Dag: a default, a description, and keywords of JSON schema (`type="integer"`, ...).

    Without a default every run must be given a value.

    Raises:
        DagError: The schema is malformed, or the default is not JSON or breaks the schema.
    """

    def __init__(
        self, default: Any = attrs.NOTHING, *, description: str | None = None, **schema: Any
    ) -> None:
        self.default, self.description, self.schema = default, description, schema
        try:
            json.dumps(None if self.is_required else default)
            # fastjsonschema knows every draft up to 7.
            validate = fastjsonschema.compile(schema, use_default=False)
            if not self.is_required:
                validate(default)
        except (TypeError, ValueError, fastjsonschema.JsonSchemaException) as error:
            raise DagError(
                f"Param({default!r}) with the schema {schema} cannot be used: {error};"
                " make the default a JSON value that fits the schema"
            ) from error

    @property
    def is_required(self) -> bool:
        """Whether a run must be given a value."""
        return self.default is attrs.NOTHING

    def document(self) -> dict[str, Any]:
        """What the scheduler knows of the param; `default` is absent when there is none."""
        default = {} if self.is_required else {"default": self.default}
        return {**default, "description": self.description, "schema": self.schema}


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
