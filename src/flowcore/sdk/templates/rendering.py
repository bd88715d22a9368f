"""Renders the templates of a task: for a try, and just to see that Jinja can read them.

Rendering runs the author's expressions, and may wait where they ask for a variable, a connection or an
XCom: not on an event loop that others need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from flowcore.errors import FlowcoreError
from flowcore.sdk.exceptions import TaskFailed, TaskSkipped
from flowcore.sdk.references import Lookup
from flowcore.sdk.templates.complaints import Place, line_of, template_invalid
from flowcore.sdk.templates.environments import Templates
from flowcore.sdk.templates.fields import is_file, is_native, is_template
from flowcore.sdk.templates.values import Renderer, texts_in

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator


def rendered_fields(task: BaseOperator, lookup: Lookup, context: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a task that have templates become in a try.

    Raises:
        TemplateInvalid: A template cannot be read, or one of its expressions fails.
        TaskSkipped, TaskFailed, FlowcoreError: What an expression raised to end the try, or a lookup that
            failed, with a note that says where.
    """
    renderer = Renderer(_rendering(task, context), lookup)
    return {name: renderer.value(getattr(task, name), name) for name in task.templated_fields}


def rendered_content(task: BaseOperator, content: Any, context: Mapping[str, Any]) -> Any:
    """What `content` becomes, with the strings inside of it, in a try of the task.

    Raises:
        Exception: As `rendered_fields`.
    """
    lookup = Lookup({}, context.get("params", {}))
    return Renderer(_rendering(task, context), lookup).value(content, "content")


def _rendering(task: BaseOperator, context: Mapping[str, Any]) -> Callable[[str, str], Any]:
    templates = templates_of(task)

    def render(text: str, field: str) -> Any:
        if not is_template(task, text):
            return text
        place = Place(task, field)
        try:
            return (templates.render_file if is_file(task, text) else templates.render_text)(text, context)
        except (FlowcoreError, TaskSkipped, TaskFailed) as error:
            error.add_note(f"{type(error).__name__} in the template {place}{line_of(error)}: {error}")
            raise
        except jinja2.TemplateError as error:
            raise template_invalid(error, place, searchpath=templates.searchpath, context=context) from None
        except Exception as error:
            raise template_invalid(error, place, searchpath=templates.searchpath, context=context) from error

    return render


def check_templates(task: BaseOperator) -> None:
    """Read the templates that are written out in the Dag file.

    Raises:
        TemplateInvalid: Jinja cannot read one of them.
    """
    templates = templates_of(task)
    for name in task.templated_fields:
        for text, field in texts_in(getattr(task, name), name):
            if not is_template(task, text) or is_file(task, text):
                continue
            try:
                templates.check(text)
            except jinja2.TemplateError as error:
                raise template_invalid(error, Place(task, field), searchpath=(), context={}) from None


def templates_of(task: BaseOperator) -> Templates:
    """The templates of the task's Dag, made when they are first asked for.

    Raises:
        DagError: Jinja refuses the Dag's options.
    """
    dag, native = task.dag, is_native(task)
    if dag is None:
        return Templates(native=native)
    if native not in dag.templates:
        dag.templates[native] = Templates(
            searchpath=_searchpath(dag),
            native=native,
            undefined=dag.template_undefined,
            options=dag.jinja_environment_kwargs,
            macros=dag.user_defined_macros,
            filters=dag.user_defined_filters,
        )
    return dag.templates[native]


def _searchpath(dag: DAG) -> tuple[Path, ...]:
    # Where a process was started says nothing about where a Dag's files are.
    folder = Path(dag.fileloc).parent if dag.fileloc else Path()
    own = (folder,) if dag.fileloc else ()
    return (*own, *(folder / path for path in dag.template_searchpath))
