"""Which fields of a task have templates in them; told without Jinja."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowcore.errors import DagError
from flowcore.sdk.templates.values import texts_in

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

#: By what Jinja recognises a template, by the names of its options.
_MARKERS = {
    "block_start_string": "{%",
    "variable_start_string": "{{",
    "comment_start_string": "{#",
    "line_statement_prefix": None,
    "line_comment_prefix": None,
}


def is_native(task: BaseOperator) -> bool:
    """Whether its templates make Python values; the task's own word is stronger than its Dag's."""
    own = task.render_template_as_native_obj
    return own if own is not None else bool(task.dag and task.dag.render_template_as_native_obj)


def is_file(task: BaseOperator, text: str) -> bool:
    """Whether a string names a file that holds the template."""
    return bool(task.template_ext) and text.endswith(tuple(task.template_ext))


def is_template(task: BaseOperator, text: str) -> bool:
    """Whether rendering can change a string. Of native templates any string may become a number or a list."""
    return is_native(task) or is_file(task, text) or any(marker in text for marker in _markers(task))


def fields_with_templates(task: BaseOperator) -> tuple[str, ...]:
    """The fields of a task that have to be rendered for each try."""
    return tuple(
        name
        for name in task.template_fields
        if any(is_template(task, text) for text, _ in texts_in(getattr(task, name), name))
    )


def check_fields(task: BaseOperator) -> None:
    """Refuse what a class says wrongly about its template fields.

    Raises:
        DagError: `template_fields` or `template_ext` is no list of names, or a field is no attribute.
    """
    for attribute in ("template_fields", "template_ext"):
        names = getattr(task, attribute)
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise DagError(f"{_class(task)} has {attribute}={names!r}; make it a tuple of strings")
    for name in task.template_fields:
        if not hasattr(task, name):
            raise DagError(
                f"{_class(task)} names {name!r} in template_fields, but its instances have no such attribute;"
                f" set self.{name} in __init__"
            )


def _markers(task: BaseOperator) -> tuple[str, ...]:
    options: Mapping[str, Any] = (task.dag and task.dag.jinja_environment_kwargs) or {}
    return tuple(filter(None, (options.get(name, default) for name, default in _MARKERS.items())))


def _class(task: BaseOperator) -> str:
    return f"class {type(task).__name__} of task {task.task_id!r}"
