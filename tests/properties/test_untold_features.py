"""Schedulers that are not told of a feature of a Dag carry its runs out otherwise, and are noticed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import attrs
import pytest

from flowcore.domain.dags import Task
from flowcore.domain.skips import SkipReach
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryEffects, TryOutcome
from flowcore.testing import Load, Script, ScriptedEnd, SimulationSettings
from flowcore.testing.clock import EPOCH
from tests.properties import planted
from tests.properties.examples import dag_of, load_of, simulate

pytestmark = pytest.mark.slow
EVERY = timedelta(seconds=20)
FAILS_ONCE = Script({("b", 1): ScriptedEnd(TryOutcome.FAILED)})
FAILS = Script({("b", n): ScriptedEnd(TryOutcome.FAILED) for n in (1, 2)})
#: The second task is skipped, and the third goes on until the next two runs have begun.
SKIPS_B = Script({("a", 1): ScriptedEnd(effects=TryEffects(("b",))), ("c", 1): ScriptedEnd(duration_s=50.0)})
ENDS_LATE = Script({("c", 1): ScriptedEnd(duration_s=50.0)})


def load_with(script: Script, **fields: object) -> Load:
    """Three runs, one every 20 seconds, of a chain whose second task has these fields."""
    a, b, c = (
        Task(task_id="a", position=0, downstream=(1,), may_skip=SkipReach.DIRECT),
        attrs.evolve(Task(task_id="b", position=1, upstream=(0,), downstream=(2,)), **fields),
        Task(task_id="c", position=2, upstream=(1,), trigger_rule=TriggerRule.ALL_DONE),
    )
    timetable, dates = DeltaDataIntervalTimetable(EVERY).serialize(), (EPOCH, EPOCH + 2 * EVERY)
    dag = dag_of(a, b, c, timetable=timetable, start_date=dates[0], end_date=dates[1], catchup=True)
    return load_of(dag, runs=0, script=script)


WAITS_FOR_C = {"depends_on_past": True, "wait_for_downstream": True}

#: By feature a load, and the fields of its second task that schedulers are told in place of the real ones.
FEATURES = {
    "retries": (load_with(FAILS_ONCE, retries=1), {"retries": 0}, "ended as"),
    "end of retries": (load_with(FAILS, retries=1), {"retries": 2}, "ended as"),
    "depends_on_past": (
        load_with(FAILS, depends_on_past=True),
        {"depends_on_past": False},
        "before its past allows",
    ),
    "wait_for_downstream": (
        load_with(ENDS_LATE, **WAITS_FOR_C),
        {"wait_for_downstream": False},
        "before its past allows",
    ),
    "wait_for_past_depends_before_skipping": (
        load_with(SKIPS_B, **WAITS_FOR_C, wait_for_past_depends_before_skipping=True),
        {"wait_for_past_depends_before_skipping": False},
        "before its past allows",
    ),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_that_schedulers_are_not_told_of_is_noticed(feature):
    load, told, complaint = FEATURES[feature]
    calm = SimulationSettings(losses_max=0, database_faults_max=0)
    assert simulate(load, 0, 0, calm)
    blind = attrs.evolve(calm, set_up=partial(planted.store_with_other_fields, task_id="b", fields=told))
    with pytest.raises(AssertionError, match=complaint):
        simulate(load, 0, 0, blind)
