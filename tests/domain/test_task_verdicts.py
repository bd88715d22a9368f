from __future__ import annotations

import pytest

from flowcore.domain.dags import Task
from flowcore.domain.dependencies import Look
from flowcore.domain.task_verdicts import task_verdict
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.verdicts import UpstreamCounts, Verdict

WORK = Task(task_id="work", position=0)
TEARDOWN = Task(
    task_id="teardown", position=0, is_teardown=True, trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS
)
OPEN, GOOD, BAD = UpstreamCounts(1), UpstreamCounts(1, success=1), UpstreamCounts(1, failed=1)


def verdict_of(task, *, told_to_skip=False, **counts):
    given = {Look[look]: count for look, count in counts.items()}
    return task_verdict(task, lambda look: given.get(look, UpstreamCounts(0)), told_to_skip=told_to_skip)


@pytest.mark.parametrize(
    ("needed", "expected"), [(GOOD, Verdict.RUN), (OPEN, Verdict.WAIT), (BAD, Verdict.UPSTREAM_FAIL)]
)
def test_work_needs_its_setups_besides_its_rule(needed, expected):
    assert verdict_of(WORK, UPSTREAM=GOOD, NEEDED=needed) is expected


@pytest.mark.parametrize(
    ("scope", "expected"), [(GOOD, Verdict.RUN), (BAD, Verdict.RUN), (OPEN, Verdict.WAIT)]
)
def test_teardown_waits_for_its_scope_whatever_becomes_of_it(scope, expected):
    assert verdict_of(TEARDOWN, UPSTREAM=GOOD, OWN_SETUP=GOOD, SCOPE=scope) is expected


@pytest.mark.parametrize("upstream", [GOOD, OPEN, BAD])
def test_task_waits_for_whatever_may_skip_it_and_is_skipped_when_told(upstream):
    assert verdict_of(WORK, UPSTREAM=upstream, MAY_SKIP=OPEN) is Verdict.WAIT
    assert verdict_of(WORK, UPSTREAM=upstream, MAY_SKIP=GOOD, told_to_skip=True) is Verdict.SKIP


def test_task_that_is_not_told_to_skip_follows_its_rule():
    assert verdict_of(WORK, UPSTREAM=GOOD, MAY_SKIP=GOOD) is Verdict.RUN
