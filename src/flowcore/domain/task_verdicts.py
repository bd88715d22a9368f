"""What becomes of a task instance: its trigger rule, tightened by setups, teardowns and skips."""

from __future__ import annotations

from collections.abc import Callable

from flowcore.domain.dags import Task
from flowcore.domain.dependencies import Look
from flowcore.domain.trigger_rules import decide, setup_verdict
from flowcore.domain.verdicts import UpstreamCounts, Verdict


def task_verdict(
    task: Task, counts: Callable[[Look], UpstreamCounts], *, map_index: int = -1, told_to_skip: bool = False
) -> Verdict:
    """What becomes of an instance of `task`; `counts` tells how those ended at whom it looks.

    `told_to_skip` is the word of one of those that may skip it. It counts more than any rule, so that nothing
    is decided before all of them are over.
    """
    if counts(Look.MAY_SKIP).remaining:
        return Verdict.WAIT
    if told_to_skip:
        return Verdict.SKIP
    verdict = decide(
        task.trigger_rule, counts(Look.UPSTREAM), map_index=map_index, setups=counts(Look.OWN_SETUP)
    )
    if not task.is_teardown:
        return setup_verdict(verdict, counts(Look.NEEDED))
    is_too_early = verdict is Verdict.RUN and counts(Look.SCOPE).remaining
    return Verdict.WAIT if is_too_early else verdict


def waits_for_past(task: Task, verdict: Verdict) -> bool:
    """Whether the run before has to let a task before the verdict takes effect."""
    is_held = verdict is Verdict.RUN or (
        verdict is Verdict.SKIP and task.wait_for_past_depends_before_skipping
    )
    return task.depends_on_past and is_held


def counts_as_failure(task: Task) -> bool:
    """Whether the failure of a task is one of its run; that of a teardown is not by itself."""
    return not task.is_teardown or task.on_failure_fail_dagrun
