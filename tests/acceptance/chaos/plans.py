"""What a chaos has to do, drawn from a seed: Dags of every kind, and how their tasks end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from flowcore.domain.dags import Dag
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryEffects, TryOutcome
from flowcore.testing.scripts import Script, ScriptedEnd

Spec = dict[str, Any]

#: Slots by pool; tasks are spread over them.
POOLS = {"default_pool": 64, "narrow": 8}
_ENDS = ["succeeds"] * 8 + ["fails", "skips", "fails at first"]
_OUTCOMES = {"fails": TryOutcome.FAILED_FOR_GOOD, "skips": TryOutcome.SKIPPED}
_RULES = [str(rule) for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS]


def draw_plan(chance: Random, dags: int) -> list[Spec]:
    """Some Dags; the ids of tasks are unique among all of them, so that one script says how they end."""
    return [_draw_dag(chance, f"dag{number}") for number in range(dags)]


def script_of(plan: Sequence[Spec]) -> Script:
    """How the tries end that are not disturbed; of disturbed ones there will be others."""
    tasks: Mapping[str, Spec] = {task["task_id"]: task for spec in plan for task in spec["tasks"]}
    ends = {}
    for task_id, task in tasks.items():
        effects = TryEffects(length=task["length"] if task["over"] is None else 1)
        for try_number in (1, 2):
            outcome = _OUTCOMES.get(task["end"], TryOutcome.SUCCESS)
            is_first = task["end"] == "fails at first" and try_number == 1
            ends[task_id, try_number] = ScriptedEnd(TryOutcome.FAILED if is_first else outcome, 0.0, effects)
    return Script(ends)


def size_of(dag: Dag) -> int:
    """How many task instances a run has at least."""
    return len(dag.tasks)


def _draw_dag(chance: Random, dag_id: str) -> Spec:
    count = chance.randint(4, 10)
    tasks = [_draw_task(chance, dag_id, position) for position in range(count)]
    if chance.random() < 0.4:
        tasks = _between_setup_and_teardown(chance, dag_id, tasks)
    elif chance.random() < 0.5:
        _map_one(chance, tasks)
    return {"dag_id": dag_id, "tasks": tasks}


def _draw_task(chance: Random, dag_id: str, position: int) -> Spec:
    before = [f"{dag_id}_t{n}" for n in range(position)]
    return {
        "task_id": f"{dag_id}_t{position}",
        "upstream": sorted(chance.sample(before, min(position, chance.choice([0, 1, 1, 1, 2, 3])))),
        "rule": chance.choice(_RULES) if chance.random() < 0.4 else "all_success",
        "is_function": chance.random() < 0.3,
        "end": chance.choice(_ENDS),
        "seconds": round(chance.choice([0.0, 0.0, 0.0, 0.02, 0.1, 0.5, 2.0, 6.0]), 3),
        "pool": chance.choice(sorted(POOLS)),
        "role": "work",
        "setups": [],
        "over": None,
        "length": None,
    }


def _between_setup_and_teardown(chance: Random, dag_id: str, tasks: list[Spec]) -> list[Spec]:
    """What follows a setup has to follow its success."""
    setup = {
        **_draw_task(chance, dag_id, 0),
        "task_id": f"{dag_id}_setup",
        "role": "setup",
        "rule": "all_success",
    }
    for task in tasks:
        if not task["upstream"]:
            task["upstream"], task["rule"] = [setup["task_id"]], "all_success"
    before = {name for task in tasks for name in task["upstream"]}
    last = [task["task_id"] for task in tasks if task["task_id"] not in before]
    teardown = {
        **_draw_task(chance, dag_id, 0),
        "task_id": f"{dag_id}_teardown",
        "upstream": last,
        "role": "teardown",
        "setups": [setup["task_id"]],
    }
    return [setup, *tasks, teardown]


def _map_one(chance: Random, tasks: list[Spec]) -> None:
    """Map a task over a literal, or over the output of one before it."""
    mapped = chance.choice(tasks)
    if not mapped["upstream"]:
        mapped["over"] = chance.randint(1, 3)
        return
    source = next(task for task in tasks if task["task_id"] == mapped["upstream"][0])
    source["length"], mapped["over"] = chance.randint(0, 3), source["task_id"]
