from __future__ import annotations

import pytest

from flowcore.domain.workloads import TryEffects
from flowcore.errors import DagError
from flowcore.runner.results import pushed_result
from flowcore.sdk import DAG, task
from flowcore.sdk.comms.questions import aanswered
from tests.runner.tries import ti_of


@task
def work(x=None):
    pass


async def pushed_by(result, **arguments):
    pushed = {}
    operator = work.override(**arguments)().operator
    ti = ti_of(operator, pushed=pushed)
    await aanswered(pushed_result(ti, operator, result, length_max=3), ti.comms)
    return pushed


async def test_result_is_pushed_as_json():
    assert await pushed_by({"a": [1]}) == {"return_value": '{"a": [1]}'}


async def test_none_is_not_pushed():
    assert await pushed_by(None) == {}


async def test_false_values_are_pushed():
    assert await pushed_by(0) == {"return_value": "0"}


async def test_task_may_say_not_to_push():
    assert await pushed_by(1, do_xcom_push=False) == {}


async def test_items_of_multiple_outputs_are_pushed_too():
    pushed = await pushed_by({"a": 1}, multiple_outputs=True)
    assert pushed == {"a": "1", "return_value": '{"a": 1}'}


@pytest.mark.parametrize("result", [[1], {1: 2}])
async def test_multiple_outputs_need_a_dict_with_strings(result):
    with pytest.raises(DagError, match="task 'work' has multiple_outputs and returned"):
        await pushed_by(result, multiple_outputs=True)


@pytest.mark.parametrize(("result", "length"), [([], 0), ([1, 2, 3], 3), ({"a": 1}, 1)])
async def test_a_result_that_others_are_mapped_over_tells_its_length(result, length):
    with DAG("d"):
        out = work()
        work.override(task_id="other").expand(x=out)
    ti = ti_of(out.operator)
    effects = await aanswered(pushed_result(ti, out.operator, result, length_max=3), ti.comms)
    assert effects == TryEffects(length=length)
