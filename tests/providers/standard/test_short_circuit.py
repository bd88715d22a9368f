from __future__ import annotations

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.providers.standard.short_circuit import ShortCircuitOperator
from flowcore.sdk import DAG, task


def check(holds):
    return holds


async def acheck(holds):
    return holds


@pytest.mark.parametrize("function", [check, acheck])
@pytest.mark.parametrize(
    ("holds", "ignores", "states"),
    [(True, True, "ss"), (False, True, "kk"), (False, False, "ks")],
)
async def test_condition_ends_what_follows(function, holds, ignores, states):
    with DAG("d") as dag:
        after = [task(list, task_id=name, trigger_rule="all_done")() for name in "ab"]
        circuit = ShortCircuitOperator(
            task_id="c", python_callable=function, op_args=[holds], ignore_downstream_trigger_rules=ignores
        )
        circuit >> after[0] >> after[1]
    ended = (await arun_to_end(dag)).tasks
    found = {"success": "s", "skipped": "k"}
    assert "".join(found[ended[name].state] for name in "ab") == states
