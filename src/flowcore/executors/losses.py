"""Counts how often task instances lost their processes with the fork server: they may be what ends it."""

from __future__ import annotations

from flowcore.runner.endings import GIVEN_BACK, Ending, failed
from flowcore.scheduler.decisions.end_tries import LOST_TRIES_MAX

#: Of so many task instances it is remembered.
_KEPT = 10_000


class Losses:
    """What this process has seen; the scheduler counts those that other schedulers died of."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._counts: dict[int, int] = {}

    def ending_after_loss(self, task_instance_id: int) -> Ending:
        """How a try ended whose process is lost: the task is not to blame, unless it happens each time."""
        count = self._counts.pop(task_instance_id, 0) + 1
        self._counts[task_instance_id] = count
        if len(self._counts) > self._kept:
            del self._counts[next(iter(self._counts))]
        if count <= LOST_TRIES_MAX:
            return GIVEN_BACK
        return failed(
            f"its process died with the fork server {count} times; the task may be what ends the fork server"
        )

    def forget(self, task_instance_id: int) -> None:
        """One has ended in another way."""
        self._counts.pop(task_instance_id, None)
