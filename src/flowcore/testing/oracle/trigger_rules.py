"""What each trigger rule means, said once more and apart from the scheduler.

`final` is the verdict when all upstream tasks have ended. `early` is the one that every way shares in which
those may end that are still open; where the ways differ, the task waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations_with_replacement

import attrs

from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.verdicts import UpstreamCounts, Verdict

_ENDS = ("success", "failed", "skipped", "upstream_failed", "removed")
#: Rules look at which ends there are, hardly at how many: so many open upstreams are as good as any number.
_OPEN_MAX = len(_ENDS)
#: These want to see the end of all upstreams, whatever it is.
_PATIENT = {TriggerRule.ALL_DONE, TriggerRule.ALL_DONE_SETUP_SUCCESS}


@lru_cache(maxsize=100_000)
def early(rule: TriggerRule, ends: UpstreamCounts, *, map_index: int, setups: UpstreamCounts) -> Verdict:
    """What the rule says although some upstreams may be open; `setups` are those of them that are setups."""
    open_setups = setups.remaining
    verdicts = {
        final(rule, of_setups + of_others, map_index=map_index, setups=of_setups)
        for of_setups in _ways(setups, open_setups)
        for of_others in _ways(_without(ends, setups), ends.remaining - open_setups)
    }
    is_early = ends.remaining > 0 and rule in _PATIENT
    if len(verdicts) > 1 or (is_early and Verdict.RUN in verdicts):
        return Verdict.WAIT
    return verdicts.pop()


def final(rule: TriggerRule, ends: UpstreamCounts, *, map_index: int, setups: UpstreamCounts) -> Verdict:
    """What the rule says when all upstreams have ended so."""
    if ends.total == 0:
        return Verdict.RUN
    match rule:
        case TriggerRule.ALWAYS | TriggerRule.ALL_DONE:
            return Verdict.RUN
        case TriggerRule.ALL_SUCCESS:
            has_no_counterpart = ends.removed > 0 and map_index >= ends.success > 0
            fits = Verdict.REMOVE if has_no_counterpart else Verdict.RUN
            return Verdict.UPSTREAM_FAIL if ends.bad else Verdict.SKIP if ends.skipped else fits
        case TriggerRule.ALL_FAILED:
            return Verdict.SKIP if ends.success or ends.skipped else Verdict.RUN
        case TriggerRule.ALL_SKIPPED:
            spoilt = Verdict.NEVER if ends.removed else Verdict.RUN
            return Verdict.SKIP if ends.success or ends.bad else spoilt
        case TriggerRule.ONE_SUCCESS:
            return _one_success(ends)
        case TriggerRule.ONE_FAILED:
            return Verdict.RUN if ends.bad else Verdict.SKIP
        case TriggerRule.ONE_DONE:
            return Verdict.RUN if ends.success or ends.failed else Verdict.SKIP
        case TriggerRule.NONE_FAILED:
            return Verdict.UPSTREAM_FAIL if ends.bad else Verdict.RUN
        case TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS:
            return Verdict.UPSTREAM_FAIL if ends.bad else _one_success(ends)
        case TriggerRule.NONE_SKIPPED:
            return Verdict.SKIP if ends.skipped else Verdict.RUN
        case TriggerRule.ALL_DONE_MIN_ONE_SUCCESS:
            return Verdict.SKIP if ends.skipped else _one_success(ends)
        case TriggerRule.ALL_DONE_SETUP_SUCCESS:
            return _one_success(setups) if setups.total else Verdict.RUN


def _one_success(ends: UpstreamCounts) -> Verdict:
    if ends.success:
        return Verdict.RUN
    return Verdict.SKIP if ends.skipped == ends.total else Verdict.UPSTREAM_FAIL


def _ways(ends: UpstreamCounts, how_many: int) -> Iterator[UpstreamCounts]:
    """Every way in which those of `ends` may end that are open."""
    for drawn in combinations_with_replacement(_ENDS, min(how_many, _OPEN_MAX)):
        more = Counter(drawn)
        done = attrs.evolve(ends, total=ends.done + len(drawn))
        yield attrs.evolve(done, **{end: getattr(done, end) + number for end, number in more.items()})


def _without(ends: UpstreamCounts, others: UpstreamCounts) -> UpstreamCounts:
    rest = {name: getattr(ends, name) - getattr(others, name) for name in ("total", *_ENDS)}
    return UpstreamCounts(**rest)
