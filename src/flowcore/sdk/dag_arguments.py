"""The arguments that a Dag takes besides its id."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from typing import Any, TypedDict

from flowcore.domain.run_types import DagRunType
from flowcore.domain.timetables.registry import Schedule
from flowcore.sdk.argument_rules import FLAG, MAPPING, MOMENT, TEXT, WHOLE, Rule, duration, require
from flowcore.sdk.notifiers import CALLBACKS, Callback

TAG_LENGTH_MAX = 100

_LINK = re.compile(r"mailto:[^@]+@.+|[a-z][a-z0-9+.-]*://[^/].*", re.IGNORECASE)


class DagArguments(TypedDict, total=False):
    """Arguments of `DAG` and `@dag`; names and meanings are Airflow's, None is the default.

    `schedule` is a cron expression, a preset such as `@daily`, a timedelta, a relativedelta, a timetable, or
    the assets that it waits for (of several in a list all); without one the Dag runs only when triggered.
    Times without a zone are in that of `start_date`, else in UTC.
    `default_args` are defaults for the arguments of every task. Limits of 0 or less mean "none".
    `template_searchpath` names folders, relative to that of the Dag file, in which templates that are files
    are found; `template_undefined` is the class of Jinja for names that are not there. `doc_md` may name a
    file beside the Dag file that ends in `.md`. `owner_links` are web or mail addresses by owner. With
    `fail_fast` the first task that fails ends the run: all that has not ended is skipped but for teardowns.
    The callbacks are called with a context when a run has ended in that way by itself.
    """

    description: str | None
    schedule: Schedule
    start_date: datetime | None
    end_date: datetime | None
    default_args: Mapping[str, Any] | None
    max_active_tasks: int | None
    max_active_runs: int | None
    max_consecutive_failed_dag_runs: int | None
    allowed_run_types: Iterable[str] | None
    dagrun_timeout: timedelta | float | None
    catchup: bool | None
    fail_fast: bool | None
    on_success_callback: Callback | Sequence[Callback] | None
    on_failure_callback: Callback | Sequence[Callback] | None
    doc_md: str | None
    params: Mapping[str, Any] | None
    is_paused_upon_creation: bool | None
    tags: Iterable[str] | None
    owner_links: Mapping[str, str] | None
    dag_display_name: str | None
    template_searchpath: str | PathLike[str] | Iterable[str | PathLike[str]] | None
    template_undefined: type[Any] | None
    user_defined_macros: Mapping[str, Any] | None
    user_defined_filters: Mapping[str, Callable[..., Any]] | None
    jinja_environment_kwargs: Mapping[str, Any] | None
    render_template_as_native_obj: bool | None


def _tags(value: Any) -> tuple[str, ...]:
    # A lone string would be taken for a list of letters.
    require(isinstance(value, list | tuple | set | frozenset))
    for tag in value:
        require(isinstance(tag, str) and 0 < len(tag) <= TAG_LENGTH_MAX)
    return tuple(sorted(set(value)))


def _owner_links(value: Any) -> Mapping[str, str]:
    require(isinstance(value, Mapping) and all(isinstance(link, str) for link in value.values()))
    for link in value.values():
        require(_LINK.fullmatch(link) is not None)
    return dict(value)


def _folders(value: Any) -> tuple[str, ...]:
    folders = [value] if isinstance(value, str | PathLike) else value
    require(isinstance(folders, list | tuple) and all(isinstance(path, str | PathLike) for path in folders))
    return tuple(os.fspath(path) for path in folders)


def _a_class(value: Any) -> object:
    require(isinstance(value, type))
    return value


def _run_types(value: Any) -> tuple[str, ...]:
    # A lone string would be taken for a list of letters.
    require(isinstance(value, list | tuple | set | frozenset))
    require(set(value) <= set(DagRunType))
    return tuple(sorted({str(DagRunType(one)) for one in value}))


DAG_RULES: Mapping[str, Rule] = {
    "description": TEXT,
    "schedule": Rule("what is described in DagArguments", lambda schedule: schedule),
    "start_date": MOMENT,
    "end_date": MOMENT,
    "default_args": MAPPING,
    "max_active_tasks": WHOLE,
    "max_active_runs": WHOLE,
    "max_consecutive_failed_dag_runs": WHOLE,
    "allowed_run_types": Rule(f"a list of {', '.join(DagRunType)}", _run_types),
    "dagrun_timeout": duration(positive=True),
    "catchup": FLAG,
    "fail_fast": FLAG,
    "on_success_callback": CALLBACKS,
    "on_failure_callback": CALLBACKS,
    "doc_md": TEXT,
    "params": MAPPING,
    "is_paused_upon_creation": FLAG,
    "tags": Rule(f"a list of strings of 1 to {TAG_LENGTH_MAX} characters", _tags),
    "owner_links": Rule("a dict of https:// or mailto: links by owner", _owner_links),
    "dag_display_name": TEXT,
    "template_searchpath": Rule("a folder or a list of folders", _folders),
    "template_undefined": Rule("a class such as jinja2.Undefined", _a_class),
    "user_defined_macros": MAPPING,
    "user_defined_filters": MAPPING,
    "jinja_environment_kwargs": MAPPING,
    "render_template_as_native_obj": FLAG,
}
