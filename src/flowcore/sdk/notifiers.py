"""What can be called back, and `BaseNotifier`: callbacks as classes, with arguments and templates."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flowcore.errors import DagError
from flowcore.sdk.argument_rules import Rule, require

if TYPE_CHECKING:
    from flowcore.sdk.context import Context
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator

#: What can be called back: a function or coroutine function of the context, or a notifier.
Callback: TypeAlias = "Callable[[Context], object]"


def _callbacks(value: Any) -> tuple[Callback, ...]:
    callbacks = tuple(value) if isinstance(value, list | tuple) else (value,)
    require(all(callable(callback) for callback in callbacks))
    return callbacks


CALLBACKS = Rule("a function of the context, a notifier, or a list of these", _callbacks)


class BaseNotifier:
    """Tells somebody how a try or a run ended; subclasses have `notify`, or `async_notify` for coroutines.

    A class that has both is called by its `notify`. `template_fields` are rendered with the context before.
    """

    template_fields: Sequence[str] = ()

    def notify(self, context: Context) -> None:
        """Tell, blocking."""
        raise NotImplementedError

    async def async_notify(self, context: Context) -> None:
        """Tell, on an event loop."""
        raise NotImplementedError

    def __call__(self, context: Context) -> Coroutine[Any, Any, None] | None:
        """Tell; what is returned, if anything, is to be awaited.

        Raises:
            DagError: the class does not say how.
        """
        rendered = self._rendered(context)
        if type(self).notify is not BaseNotifier.notify:
            rendered.notify(context)
            return None
        if type(self).async_notify is not BaseNotifier.async_notify:
            return rendered.async_notify(context)
        raise DagError(f"{type(self).__name__} has nothing to do; give it a `notify` or an `async_notify`")

    def _rendered(self, context: Context) -> BaseNotifier:
        if not self.template_fields:
            return self
        # Imported here because most Dag files have no notifier, and Jinja takes its time.
        from flowcore.sdk.templates.rendering import rendered_content

        # One notifier serves many tries.
        rendered, task = copy.copy(self), context.get("task") or _stand_in(context["dag"])
        for name in self.template_fields:
            setattr(rendered, name, rendered_content(task, getattr(self, name), context))
        return rendered


def _stand_in(dag: DAG) -> BaseOperator:
    """A task of the Dag that is not among its tasks: templates are rendered for one."""
    from flowcore.sdk.operators import BaseOperator

    task = BaseOperator(task_id="callbacks")
    task.dag = dag
    return task
