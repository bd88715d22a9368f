from __future__ import annotations

import json

import pytest

from flowcore.sdk import DAG, task
from tests.runner.tries import XComs, try_of

PUSHED = {("source", index, "return_value"): index * 10 for index in range(1200)}


async def returned_by(use, *, is_async=False):
    """What a task returns that is given all outputs of a mapped one, and which parts were read for it."""
    xcoms = XComs(dict(PUSHED))
    with DAG("d"):

        @task
        def source(x): ...

        @task
        def function(values):
            return use(values)

        @task
        async def coroutine(values):
            return use(values)

        used = (coroutine if is_async else function)(source.expand(x=[1]))
    ending = await try_of(used, xcoms=xcoms).run()
    assert ending.error is None
    return json.loads(ending.xcoms["return_value"]), xcoms.slices


async def test_one_item_is_read_without_the_others():
    assert await returned_by(lambda values: values[7]) == (70, [(7, 1)])


async def test_the_last_item_is_found_by_the_length():
    assert await returned_by(lambda values: [values[-1], len(values)]) == ([11990, 1200], [(1199, 1)])


async def test_all_items_are_read_page_by_page():
    assert await returned_by(sum) == (sum(PUSHED.values()), [(0, 500), (500, 500), (1000, 200)])


async def test_what_was_read_is_not_read_again():
    assert await returned_by(lambda values: values[2:5] + values[3:4] + [values[4]]) == (
        [20, 30, 40, 30, 40],
        [(2, 3)],
    )


async def test_beyond_the_end_there_is_nothing():
    def use(values):
        with pytest.raises(IndexError):
            values[1200]
        return 1

    assert (await returned_by(use))[0] == 1


async def test_a_coroutine_finds_everything_read():
    assert await returned_by(lambda values: values[7], is_async=True) == (
        70,
        [(0, 500), (500, 500), (1000, 200)],
    )


async def test_it_is_pushed_as_a_list():
    assert await returned_by(lambda values: {"all": values}) == (
        {"all": list(PUSHED.values())},
        [(0, 500), (500, 500), (1000, 200)],
    )
