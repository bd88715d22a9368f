"""`BaseOperator`: what every task of a Dag file is.

A class of one's own takes its arguments in `__init__`, hands the others on, and does its work in
`execute` or, better for work that waits, in `aexecute`. An instance is one task of one Dag and is shared
by all its tries, so each try works on a shallow copy.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from flowcore.domain.external_marks import ExternalMark
from flowcore.sdk.argument_rules import kept_arguments
from flowcore.sdk.ids import check_id
from flowcore.sdk.loggers import HasLog
from flowcore.sdk.mapping.mappable import Mappable
from flowcore.sdk.nesting import default_args_for, surrounding_group
from flowcore.sdk.operator_types import OperatorType
from flowcore.sdk.params import checked_param
from flowcore.sdk.references import Lookup, Reference, references_in, resolved
from flowcore.sdk.relatives import HasRelatives, share_dag
from flowcore.sdk.setups import TaskNode
from flowcore.sdk.task_arguments import HOOKS, TASK_RULES, TaskArguments
from flowcore.sdk.task_attributes import TaskAttributes
from flowcore.sdk.templates.fields import fields_with_templates
from flowcore.sdk.xcom_args import XComArg

if TYPE_CHECKING:
    from flowcore.sdk.context import Context
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.mapping.expansions import Expansion
    from flowcore.sdk.task_groups import TaskGroup


class BaseOperator(Mappable, TaskNode, HasRelatives, HasLog, TaskAttributes, metaclass=OperatorType):
    """One task of a Dag.

    A subclass overrides `execute` or `aexecute`; its result is pushed as XCom `return_value` unless it is
    None. Any attribute may hold outputs of other tasks: the task then waits for these, and finds their
    values in the attribute while it runs. What is put into an attribute after `__init__` is not seen.

    Args:
        task_id: Letters, digits, `_`, `-` and `.`; unique in the Dag.
        dag: The Dag it belongs to; by default the one being filled.
        task_group: The group it belongs to; by default the one being filled.
        default_args: Defaults for arguments, stronger than those of the Dag and the groups.
        expansion: What it is mapped over; given by `expand()` and `expand_kwargs()`.
        arguments: See `TaskArguments`.

    Raises:
        DagError: An argument is unknown or not allowed.
        DuplicateTaskId: The Dag has a task of that id.
    """

    #: How the kind of task is called in listings; by default the name of the class.
    operator_name: ClassVar[str] = ""

    #: The attributes that are rendered for each try.
    template_fields: Sequence[str] = ()
    #: How strings end that name a file with the template, such as `.sql`.
    template_ext: Sequence[str] = ()
    #: In which language each field is written, for those who show it.
    template_fields_renderers: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        task_id: str,
        *,
        dag: DAG | None = None,
        task_group: TaskGroup | None = None,
        default_args: Mapping[str, Any] | None = None,
        expansion: Expansion | None = None,
        **arguments: Unpack[TaskArguments],
    ) -> None:
        group = surrounding_group(dag, task_group)
        where = f"Dag {group.dag.dag_id!r}" if group else "no Dag"
        check_id(f"a task_id of {where}", task_id)
        self.task_id = group.child_id(task_id) if group else task_id
        self.dag: DAG | None = None
        self.task_group: TaskGroup | None = None
        self.upstream_task_ids: set[str] = set()
        self.downstream_task_ids: set[str] = set()
        self.expansion = expansion
        self._referring: tuple[str, ...] = ()
        # None is "not given" and must not hide a default, as `retries=None` would.
        explicit = {name: value for name, value in arguments.items() if value is not None}
        defaults = default_args_for({"dag": dag, "task_group": task_group, "default_args": default_args})
        # Other defaults are meant for other classes: Airflow's authors share one dict among them all.
        given = {name: value for name, value in defaults.items() if name in TASK_RULES}
        subject = f"task {self.task_id!r} of {where}"
        kept = kept_arguments(subject, TASK_RULES, {**given, **explicit})
        #: What was given as `pre_execute` and `post_execute`, which are also methods.
        self.given_hooks = {name: kept.pop(name) for name in HOOKS & kept.keys()}
        for name, value in kept.items():
            setattr(self, name, value)
        dag_id = group.dag.dag_id if group else ""
        self.params = {name: checked_param(dag_id, name, value) for name, value in self.params.items()}
        if group:
            group.add(self)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.task_id} of {self.dag.dag_id if self.dag else 'no Dag'}>"

    @property
    def node_id(self) -> str:
        """Its id, as one word for tasks and groups."""
        return self.task_id

    def pre_execute(self, context: Context) -> None:
        """Called right before the work of each try."""

    def post_execute(self, context: Context, result: Any = None) -> None:
        """Called right after the work of each try that did not raise, with what it returned."""

    def execute(self, context: Context) -> Any:
        """Do the work of one try, and return its result."""
        raise NotImplementedError

    async def aexecute(self, context: Context) -> Any:
        """Do the work of one try on the event loop, and return its result."""
        return await self.execute(context)

    def on_kill(self) -> None:
        """Clean up outside after a try was cancelled; called on the try's copy."""

    def render_template(self, content: Any, context: Context) -> Any:
        """What templates of one's own become: a string, or the strings in lists, dicts and the like.

        Raises:
            TemplateInvalid: One cannot be read, or one of its expressions fails.
        """
        # Jinja is only for those who render; a Dag file is imported without it.
        from flowcore.sdk.templates.rendering import rendered_content

        return rendered_content(self, content, context)

    @property
    def kind(self) -> str:
        """How the kind of task is called in listings."""
        return self.operator_name or type(self).__name__

    @property
    def has_work(self) -> bool:
        """Whether its class says what to do."""
        return _work_of(type(self)) is not None

    @property
    def is_async(self) -> bool:
        """Whether its tries run on the event loop."""
        return inspect.iscoroutinefunction(_work_of(type(self)))

    @property
    def external_mark(self) -> ExternalMark | None:
        """What is cleared with it in another Dag; for nearly all tasks nothing."""
        return None

    @property
    def output(self) -> XComArg:
        """What it returns, for the arguments of other tasks."""
        return XComArg(self)

    @property
    def roots(self) -> Sequence[BaseOperator]:
        return [self]

    @property
    def leaves(self) -> Sequence[BaseOperator]:
        return [self]

    @property
    def references(self) -> list[Reference]:
        """The outputs and params in its attributes."""
        return list(references_in([getattr(self, name) for name in self._referring]))

    def wait_for(self, upstream: BaseOperator) -> None:
        """Make this task wait for `upstream`; `>>` ends here."""
        share_dag(self, upstream)
        self.upstream_task_ids.add(upstream.task_id)
        upstream.downstream_task_ids.add(self.task_id)

    def note_references(self) -> None:
        """Find out in which attributes there are references."""
        self._referring = tuple(name for name, value in vars(self).items() if any(references_in(value)))

    def wait_for_its_references(self) -> None:
        """Make this task wait for every task whose output it has in an attribute or is mapped over."""
        self.note_references()
        for reference in (*self.references, *(self.expansion.references if self.expansion else ())):
            for output in reference.outputs:
                self.wait_for(output.operator)

    @cached_property
    def templated_fields(self) -> tuple[str, ...]:
        """The template fields that have templates in them, when the Dag is complete."""
        return fields_with_templates(self)

    @property
    def named_context_keys(self) -> frozenset[str]:
        """Keys of the context that its code names, as far as is known before it runs."""
        return frozenset()

    def for_one_try(self, lookup: Lookup) -> Self:
        """A shallow copy with every reference replaced, on which one try works."""
        # Tries of several runs share one operator, and `execute` may set attributes.
        copied = copy.copy(self)
        for name in self._referring:
            setattr(copied, name, resolved(getattr(self, name), lookup))
        return copied


@functools.cache
def _work_of(cls: type[BaseOperator]) -> Callable[..., Any] | None:
    """What does the work: from the class nearest to `cls` that has `aexecute` or, else, `execute`."""
    for base in cls.__mro__[: cls.__mro__.index(BaseOperator)]:
        work: Callable[..., Any] | None = vars(base).get("aexecute") or vars(base).get("execute")
        if work is not None:
            return work
    return None
