"""Jinja as Dags use it: one sandboxed environment for each Dag, set up by the Dag's arguments.

An environment keeps the templates that it has compiled, and is used by any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2.exceptions import TemplateError
from jinja2.nativetypes import NativeEnvironment, native_concat
from jinja2.sandbox import SandboxedEnvironment, is_internal_attribute
from jinja2.utils import LRUCache

from flowcore.errors import DagError
from flowcore.sdk.templates.filters import FILTERS

_COMPILED_MAX = 400


class _Sandbox(SandboxedEnvironment):
    """Refuses what reaches into Python, such as `__class__`."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Airflow lets templates use names with one underscore.
        return not is_internal_attribute(obj, attr)


class _NativeSandbox(_Sandbox, NativeEnvironment):
    """The same, for templates that make Python values."""


class Templates:
    """The templates of one Dag.

    Args:
        searchpath: The folders in which files are found, in this order.
        native: Whether a template makes a Python value, and not always a string.
        undefined: What Jinja makes of names that are not there; by default an error.
        options: Further arguments of `jinja2.Environment`.
        macros: Names that every template has besides the context.
        filters: Filters besides Jinja's and Airflow's.

    Raises:
        DagError: Jinja refuses the options.
    """

    def __init__(
        self,
        *,
        searchpath: tuple[Path, ...] = (),
        native: bool = False,
        undefined: type[Any] | None = None,
        options: Mapping[str, Any] | None = None,
        macros: Mapping[str, Any] | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        self.searchpath, self._native = searchpath, native
        self._environment = _environment(
            {
                "loader": jinja2.FileSystemLoader(searchpath),
                "undefined": undefined or jinja2.StrictUndefined,
                "extensions": ["jinja2.ext.do"],
                **({"finalize": _defined} if native else {}),
                **(options or {}),
            },
            native=native,
        )
        self._environment.globals.update(macros or {})
        self._environment.filters.update({**FILTERS, **(filters or {})})
        self._compiled = LRUCache(_COMPILED_MAX)

    def check(self, text: str) -> None:
        """Raise `jinja2.TemplateSyntaxError` unless Jinja can read `text`."""
        self._environment.parse(text)

    def render_text(self, text: str, context: Mapping[str, Any]) -> Any:
        """What `text` becomes; may raise whatever the template's expressions raise."""
        template = self._compiled.get(text)
        if template is None:
            template = self._compiled[text] = self._environment.from_string(text)
        return self._render(template, context)

    def render_file(self, name: str, context: Mapping[str, Any]) -> Any:
        """What a file of the search path becomes."""
        return self._render(self._environment.get_template(name), context)

    def _render(self, template: jinja2.Template, context: Mapping[str, Any]) -> Any:
        # Not `template.render`, which would look up everything that the context only has on demand.
        known = context_with(template.globals, context)
        scope = self._environment.context_class(self._environment, known, template.name, template.blocks)
        try:
            parts = template.root_render_func(scope)
            return native_concat(parts) if self._native else "".join(parts)
        except Exception:
            self._environment.handle_exception()  # raises, with lines of the template in the traceback


def _defined(value: Any) -> Any:
    # What is not there, or not allowed, is an error when it is made a string. Native templates would not.
    return str(value) if isinstance(value, jinja2.Undefined) else value


def context_with(globals: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    """The names that a template can use; those of the context hide global ones."""
    known = type(context)(globals)  # type: ignore[call-arg]
    known.update(context)  # type: ignore[attr-defined]
    return known


def _environment(options: Mapping[str, Any], *, native: bool) -> jinja2.Environment:
    if options.get("enable_async"):
        raise DagError("jinja_environment_kwargs turns on enable_async; leave it off: templates never await")
    try:
        return (_NativeSandbox if native else _Sandbox)(**options)
    # Jinja asserts that its options fit together, and imports extensions by name.
    except (TypeError, ValueError, AssertionError, AttributeError, ImportError, TemplateError) as error:
        raise DagError(f"Jinja refuses its options: {error}; mend jinja_environment_kwargs") from error
