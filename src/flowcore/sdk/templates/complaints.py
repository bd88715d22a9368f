"""Says what is wrong with a template, and where: task, field, line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import attrs
import jinja2

from flowcore.sdk.exceptions import TemplateInvalid

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

#: What Jinja calls a template that is no file.
_NO_FILE = (None, "<template>", "<unknown>")
#: What the context has only when the run has a logical date.
_DATES = frozenset(
    {"logical_date", "ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"}
    | {"data_interval_start", "data_interval_end"}
    | {"prev_data_interval_start_success", "prev_data_interval_end_success"}
)


@attrs.frozen
class Place:
    """A string of a template field: `field` is the path to it, such as `op_kwargs['day']`."""

    task: BaseOperator
    field: str

    def __str__(self) -> str:
        dag = f" of Dag {self.task.dag.dag_id!r}" if self.task.dag else ""
        return f"{self.field} of task {self.task.task_id!r}{dag}"


def template_invalid(
    error: Exception, place: Place, *, searchpath: Sequence[Path], context: Mapping[str, Any]
) -> TemplateInvalid:
    """What the author is told about an error in a template."""
    if isinstance(error, jinja2.TemplateNotFound) and not _lines(error):
        return _file_not_found(error, place, searchpath)
    reason = _message(error)
    return TemplateInvalid(f"{place}{line_of(error)}: {reason}; {_remedy(reason, context)}")


def line_of(error: Exception) -> str:
    """Where in the template an error arose, to be put behind the place of the template; may be empty."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return _line(error.filename, error.lineno)
    lines = _lines(error)
    return _line(*lines[-1]) if lines else ""


def _line(filename: str | None, number: int) -> str:
    return f", line {number}" if filename in _NO_FILE else f", {filename} line {number}"


def _lines(error: Exception) -> list[tuple[str, int]]:
    """File and line of each frame of a template; Jinja has put the template's lines into the traceback."""
    found = []
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            found.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return found


def _message(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateError):
        return error.message or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _remedy(reason: str, context: Mapping[str, Any]) -> str:
    name = reason.partition("' is undefined")[0].removeprefix("'")
    if name in _DATES and name not in context:
        return "the run has no logical date: write {% if logical_date is defined %} around what needs one"
    return "mend the template"


def _file_not_found(
    error: jinja2.TemplateNotFound, place: Place, searchpath: Sequence[Path]
) -> TemplateInvalid:
    folders = ", ".join(map(str, searchpath)) or "no folder"
    return TemplateInvalid(
        f"{place}: there is no file {error.name!r} in {folders}; put it there, or name its folder in"
        " template_searchpath of the Dag"
    )
