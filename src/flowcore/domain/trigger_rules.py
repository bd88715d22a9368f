"""When a task may run, given how its upstreams ended: Airflow's trigger rules, made independent of order.

Each rule has one verdict for upstreams that are all done, `final_verdict`. `decide` answers earlier
as soon as no upstream that is still open can change that verdict. So the end of a task follows from
how its upstreams ended and never from which of them ended first. Airflow, which writes a state at
the first bad upstream, has one more early answer: `all_success` skips at once when an upstream is
skipped. Here it waits, for an upstream that fails later makes it upstream_failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import attrs

from flowcore.domain.verdicts import UpstreamCounts, Verdict

__all__ = ["TriggerRule", "UpstreamCounts", "Verdict", "decide", "final_verdict", "tightened"]


class TriggerRule(StrEnum):
    """When a task may run, given how its direct upstreams ended."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALL_SKIPPED = "all_skipped"
    ALWAYS = "always"


def final_verdict(
    rule: TriggerRule, counts: UpstreamCounts, *, map_index: int = -1, setups: UpstreamCounts | None = None
) -> Verdict:
    """What the rule says once all upstreams are done; `RUN` when there are none.

    `map_index` is that of a mapped task instance: under `all_success`, one whose counterpart was
    removed is removed too. `setups` counts those of the upstreams that are setups, which only
    `all_done_setup_success` looks at.
    """
    if counts.total == 0:
        return Verdict.RUN
    if rule is TriggerRule.ALL_DONE_SETUP_SUCCESS:
        return _one_success(setups) if setups is not None and setups.total else Verdict.RUN
    verdict = _RULES[rule].final(counts)
    if rule is TriggerRule.ALL_SUCCESS and verdict is Verdict.RUN:
        return Verdict.REMOVE if counts.removed and map_index >= counts.success > 0 else verdict
    return verdict


def decide(
    rule: TriggerRule, counts: UpstreamCounts, *, map_index: int = -1, setups: UpstreamCounts | None = None
) -> Verdict:
    """`final_verdict` as soon as the upstreams that remain cannot change it, until then `WAIT`.

    `all_done` and `all_done_setup_success` ask for the end of all upstreams as such and never run
    before it.
    """
    if counts.remaining and not _is_settled(rule, counts, setups):
        return Verdict.WAIT
    return final_verdict(rule, counts, map_index=map_index, setups=setups)


def tightened(verdict: Verdict, needed: UpstreamCounts) -> Verdict:
    """The verdict of a task's own rule, tightened by what it needs besides, such as setups further up.

    Each of those must succeed: one that failed makes the task upstream_failed at once, one that was
    skipped skips it as soon as no other can fail any more. The graver of the two verdicts counts.
    """
    return max(verdict, decide(TriggerRule.ALL_SUCCESS, needed), key=_GRAVITY.__getitem__)


def _is_settled(rule: TriggerRule, counts: UpstreamCounts, setups: UpstreamCounts | None) -> bool:
    if rule is TriggerRule.ALL_DONE_SETUP_SUCCESS:
        return setups is not None and setups.total > 0 and not (setups.remaining or setups.success)
    return _RULES[rule].settled(counts)


def _all_success(counts: UpstreamCounts) -> Verdict:
    if counts.bad:
        return Verdict.UPSTREAM_FAIL
    return Verdict.SKIP if counts.skipped else Verdict.RUN


def _one_success(counts: UpstreamCounts) -> Verdict:
    if counts.success:
        return Verdict.RUN
    return Verdict.SKIP if counts.skipped == counts.total else Verdict.UPSTREAM_FAIL


def _none_failed_min_one_success(counts: UpstreamCounts) -> Verdict:
    return Verdict.UPSTREAM_FAIL if counts.bad else _one_success(counts)


def _all_skipped(counts: UpstreamCounts) -> Verdict:
    if counts.success or counts.bad:
        return Verdict.SKIP
    return Verdict.NEVER if counts.removed else Verdict.RUN


def _all_done_min_one_success(counts: UpstreamCounts) -> Verdict:
    if counts.skipped:
        return Verdict.SKIP
    return Verdict.RUN if counts.success else Verdict.UPSTREAM_FAIL


def _run_if(holds: bool, *, otherwise: Verdict = Verdict.SKIP) -> Verdict:
    return Verdict.RUN if holds else otherwise


@attrs.frozen
class _Rule:
    """`settled`: no open upstream can change the verdict any more, and `final` already gives it."""

    settled: Callable[[UpstreamCounts], bool]
    final: Callable[[UpstreamCounts], Verdict]


_RULES: Mapping[TriggerRule, _Rule] = {
    TriggerRule.ALL_SUCCESS: _Rule(lambda c: c.bad > 0, _all_success),
    TriggerRule.ALL_FAILED: _Rule(
        lambda c: c.success + c.skipped > 0, lambda c: _run_if(c.success + c.skipped == 0)
    ),
    TriggerRule.ALL_DONE: _Rule(lambda c: False, lambda c: Verdict.RUN),
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _Rule(lambda c: c.skipped > 0, _all_done_min_one_success),
    TriggerRule.ONE_SUCCESS: _Rule(lambda c: c.success > 0, _one_success),
    TriggerRule.ONE_FAILED: _Rule(lambda c: c.bad > 0, lambda c: _run_if(c.bad > 0)),
    TriggerRule.ONE_DONE: _Rule(
        lambda c: c.success + c.failed > 0, lambda c: _run_if(c.success + c.failed > 0)
    ),
    TriggerRule.NONE_FAILED: _Rule(
        lambda c: c.bad > 0, lambda c: _run_if(c.bad == 0, otherwise=Verdict.UPSTREAM_FAIL)
    ),
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _Rule(lambda c: c.bad > 0, _none_failed_min_one_success),
    TriggerRule.NONE_SKIPPED: _Rule(lambda c: c.skipped > 0, lambda c: _run_if(c.skipped == 0)),
    TriggerRule.ALL_SKIPPED: _Rule(lambda c: c.success + c.bad > 0, _all_skipped),
    TriggerRule.ALWAYS: _Rule(lambda c: True, lambda c: Verdict.RUN),
}

#: Nothing is graver than an upstream failure; a skip may still turn into one while the other side waits.
_GRAVITY: Mapping[Verdict, int] = {
    Verdict.RUN: 0,
    Verdict.NEVER: 1,
    Verdict.REMOVE: 2,
    Verdict.SKIP: 3,
    Verdict.WAIT: 4,
    Verdict.UPSTREAM_FAIL: 5,
}
