"""What becomes of a task instance: its trigger rule, tightened by setups, teardowns, skips and mapping."""

from __future__ import annotations

from collections.abc import Callable

from flowcore.domain.dags import Task
from flowcore.domain.dependencies import Look
from flowcore.domain.task_mapping import NOT_MAPPED
from flowcore.domain.trigger_rules import decide, tightened
from flowcore.domain.verdicts import UpstreamCounts, Verdict


def task_verdict(
    task: Task,
    counts: Callable[[Look], UpstreamCounts],
    *,
    map_index: int = NOT_MAPPED,
    length: int | None = None,
    told_to_skip: bool = False,
) -> Verdict:
    """What becomes of an instance of `task`; `counts` tells how those ended at whom it looks.

    `length` is the number of elements that it is mapped over, None when it is not mapped or that is not
    known. As long as it may become known, nothing is decided; if it cannot any more, for want of a source
    that succeeded, that is as bad as a setup that failed. `told_to_skip` is the word of one of those that
    may skip it. It counts more than any rule, so that nothing is decided before all of them are over.
    """
    if counts(Look.SOURCE).remaining:
        return Verdict.WAIT
    if length is not None and map_index >= max(length, 1):
        return Verdict.REMOVE
    if counts(Look.MAY_SKIP).remaining:
        return Verdict.WAIT
    if told_to_skip:
        return Verdict.SKIP
    verdict = tightened(_by_rule(task, counts, map_index), counts(Look.SOURCE))
    return Verdict.SKIP if verdict is Verdict.RUN and length == 0 else verdict


def _by_rule(task: Task, counts: Callable[[Look], UpstreamCounts], map_index: int) -> Verdict:
    verdict = decide(
        task.trigger_rule, counts(Look.UPSTREAM), map_index=map_index, setups=counts(Look.OWN_SETUP)
    )
    if not task.is_teardown:
        return tightened(verdict, counts(Look.NEEDED))
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
