"""Short circuits: tasks that skip what follows when a condition does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowcore.domain.skips import SkipReach
from flowcore.sdk.skipping import SkipsDownstream, skippable

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class CutsShort(SkipsDownstream):
    """Base, besides `BaseOperator`, of operators that skip all that follows when a condition is false."""

    #: Whether all tasks after it are skipped, or only those right after it: others then follow their rules.
    ignore_downstream_trigger_rules: bool = True

    @property
    def skip_reach(self) -> SkipReach:
        return SkipReach.ALL if self.ignore_downstream_trigger_rules else SkipReach.DIRECT

    def cut_short(self, context: Context, condition: Any) -> Any:
        """Return the condition if it holds; else end the try, and what follows with it."""
        skipped = () if condition else skippable(context["task"])
        return self.end_with(context, condition, skipped=skipped)
