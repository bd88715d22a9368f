"""Scripts: what each try of each task will do, known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome, Workload


@attrs.frozen
class ScriptedEnd:
    """How a try ends, `duration_s` virtual seconds after its start; if it succeeds, with these effects.

    A claim whose token is at most `fatal_tokens` takes its process with it instead of ending. With `waits_s`
    the try is put off once for so long, as a sensor that looks twice.
    """

    outcome: TryOutcome = TryOutcome.SUCCESS
    duration_s: float = 1.0
    effects: TryEffects = NO_EFFECTS
    fatal_tokens: int = 0
    waits_s: float = 0.0

    def kills(self, workload: Workload) -> bool:
        """Whether this claim of the try kills the process that runs it."""
        return workload.token <= self.fatal_tokens

    def put_off_until(self, workload: Workload, started_at: datetime) -> datetime | None:
        """When a try goes on that has not waited yet; None if it is to end."""
        until = (workload.start_date or started_at) + timedelta(seconds=self.waits_s)
        return until if until > started_at else None


@attrs.frozen
class Script:
    """Ends by (task id, try number); a try that is not listed succeeds after a second.

    `of_instances` are, by (task id, try number, map index), those of instances that end otherwise. A try that
    was lost or given back runs again under its number and so ends the same way.
    """

    ends: Mapping[tuple[str, int], ScriptedEnd] = attrs.field(factory=dict)
    of_instances: Mapping[tuple[str, int, int], ScriptedEnd] = attrs.field(factory=dict)

    def end_of(self, task_id: str, try_number: int, map_index: int = -1) -> ScriptedEnd:
        """What that try does."""
        end = self.of_instances.get((task_id, try_number, map_index))
        return end or self.ends.get((task_id, try_number), ScriptedEnd())
