from __future__ import annotations

from itertools import combinations_with_replacement, product

import attrs
import pytest

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule, decide
from flowcore.domain.verdicts import UpstreamCounts
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.testing import Script, ScriptedEnd, expect_run, interpret
from flowcore.testing.oracle.trigger_rules import early


def chain(rule: TriggerRule, **options) -> Dag:
    first = Task(task_id="first", position=0, downstream=(1,), **options)
    return Dag(
        dag_id="dag", tasks=(first, Task(task_id="second", position=1, upstream=(0,), trigger_rule=rule))
    )


def script(*outcomes: TryOutcome) -> Script:
    return Script({("first", n): ScriptedEnd(outcome) for n, outcome in enumerate(outcomes, start=1)})


@pytest.mark.parametrize(
    ("rule", "second", "run"),
    [
        (TriggerRule.ALL_SUCCESS, TaskInstanceState.UPSTREAM_FAILED, DagRunState.FAILED),
        (TriggerRule.ONE_FAILED, TaskInstanceState.SUCCESS, DagRunState.SUCCESS),
        (TriggerRule.ALL_SKIPPED, TaskInstanceState.SKIPPED, DagRunState.SUCCESS),
    ],
)
def test_rule_decides_what_follows_a_failure(rule, second, run):
    expected = expect_run(chain(rule), script(TryOutcome.FAILED_FOR_GOOD))
    assert expected.states == {(0, -1): TaskInstanceState.FAILED, (1, -1): second}
    assert expected.run_state is run


def test_failed_try_is_followed_by_as_many_retries_as_allowed():
    failing = script(TryOutcome.FAILED, TryOutcome.FAILED, TryOutcome.SUCCESS)
    twice, once = (chain(TriggerRule.ALL_DONE, retries=retries) for retries in (2, 1))
    assert expect_run(twice, failing).states[0, -1] is TaskInstanceState.SUCCESS
    assert expect_run(once, failing).states[0, -1] is TaskInstanceState.FAILED


def test_run_fails_when_a_task_can_never_be_decided():
    expected = interpret(chain(TriggerRule.ALL_SKIPPED), lambda *_: (TaskInstanceState.REMOVED, NO_EFFECTS))
    assert expected.states[1, -1] is None
    assert expected.run_state is DagRunState.FAILED


def test_a_mapped_task_has_as_many_instances_as_its_source_says():
    dag = attrs.evolve(chain(TriggerRule.ALL_DONE), mappings=(Length(LengthKind.OUTPUT, source=0),))
    dag = attrs.evolve(dag, tasks=(dag.tasks[0], attrs.evolve(dag.tasks[1], mapping=0)))
    pushed = ScriptedEnd(effects=TryEffects(length=2))
    failing = {("second", 1, 1): ScriptedEnd(TryOutcome.FAILED_FOR_GOOD)}
    expected = expect_run(dag, Script({("first", 1): pushed}, failing))
    assert expected.states == {
        (0, -1): TaskInstanceState.SUCCESS,
        (1, 0): TaskInstanceState.SUCCESS,
        (1, 1): TaskInstanceState.FAILED,
    }
    assert expect_run(dag, Script()).states[1, -1] is TaskInstanceState.UPSTREAM_FAILED


#: None is open.
_ENDS = ("success", "failed", "skipped", "upstream_failed", "removed", None)


def counted(ends: tuple[str | None, ...]) -> UpstreamCounts:
    return UpstreamCounts(len(ends), **{end: ends.count(end) for end in set(ends) if end})


@pytest.mark.parametrize("rule", TriggerRule)
def test_the_rules_are_those_of_the_scheduler(rule):
    # Only the rule of teardowns looks at setups.
    sizes = (
        product(range(3), range(3))
        if rule is TriggerRule.ALL_DONE_SETUP_SUCCESS
        else [(3, 0), (2, 0), (0, 0)]
    )
    for total, of_setups in sizes:
        for ends in product(
            combinations_with_replacement(_ENDS, total), combinations_with_replacement(_ENDS, of_setups)
        ):
            works, setups = map(counted, ends)
            for index in (-1, 0, 2):
                verdict = early(rule, works + setups, map_index=index, setups=setups)
                assert verdict is decide(rule, works + setups, map_index=index, setups=setups), ends
