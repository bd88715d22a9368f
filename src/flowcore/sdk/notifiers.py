"""`BaseNotifier`: callbacks as classes, with arguments and templates of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.context import Context

#: What can be called back: a function or coroutine function of the context, or a notifier.
Callback: TypeAlias = "Callable[[Context], object]"


class BaseNotifier:
    """Tells somebody how a try ended; subclasses have `notify`, or `async_notify` for coroutines.

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
        rendered = copy.copy(self)
        for name in self.template_fields:
            setattr(rendered, name, rendered_content(context["task"], getattr(self, name), context))
        return rendered
