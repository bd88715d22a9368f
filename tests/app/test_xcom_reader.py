from __future__ import annotations

import anyio

from flowcore.app.xcom_reader import XComReader
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import Scene, loose


async def pushed(scene: Scene, count: int = 1) -> int:
    run = await scene.begin(loose(count, max_active_tasks=0))
    await scene.end(await scene.enqueue(), xcoms={"return_value": '{"n": 1}'})
    return run


def transactions(scene: Scene) -> int:
    return scene.database.statistics().transactions


async def test_what_was_pushed_is_read_and_what_was_not_is_left_out(scene: Scene) -> None:
    run = await pushed(scene)
    keys = [("t0", -1, "return_value"), ("t0", -1, "absent"), ("gone", -1, "return_value")]
    assert await XComReader(scene.database).pull(run, keys) == {("t0", -1, "return_value"): '{"n": 1}'}


async def test_what_an_earlier_try_pushed_is_not_read(scene: Scene) -> None:
    run = await scene.begin(loose(1, every={"retries": 1}))
    await scene.end(await scene.enqueue(), TryOutcome.FAILED, xcoms={"k": "1"})
    scene.later(3_600)
    await scene.expire()
    assert await XComReader(scene.database).pull(run, [("t0", -1, "k")]) == {}


async def test_many_who_read_at_once_share_a_few_queries(scene: Scene) -> None:
    run = await pushed(scene, 50)
    reader, before = XComReader(scene.database), transactions(scene)
    found: list[object] = []

    async def read(number: int) -> None:
        found.append(await reader.pull(run, [(f"t{number}", -1, "return_value")]))

    async with anyio.create_task_group() as nursery:
        for number in range(50):
            nursery.start_soon(read, number)
    assert all(len(each) == 1 for each in found)  # type: ignore[arg-type]
    assert transactions(scene) - before <= 3


async def test_a_reader_that_gives_up_leaves_the_others_their_values(scene: Scene) -> None:
    run = await pushed(scene)
    reader, key = XComReader(scene.database), ("t0", -1, "return_value")
    found: list[object] = []

    async def read() -> None:
        found.append(await reader.pull(run, [key]))

    async with anyio.create_task_group() as nursery:
        impatient = anyio.CancelScope()
        nursery.start_soon(read_within, impatient, reader, run, key)
        await anyio.lowlevel.checkpoint()
        for _ in range(3):
            nursery.start_soon(read)
        impatient.cancel()
    assert found == [{key: '{"n": 1}'}] * 3


async def read_within(
    scope: anyio.CancelScope, reader: XComReader, run: int, key: tuple[str, int, str]
) -> None:
    with scope:
        await reader.pull(run, [key])


async def test_what_tasks_pushed_is_found_by_task(scene: Scene) -> None:
    run = await pushed(scene, 2)
    found = await XComReader(scene.database).find(run, ["t1", "t0", "gone"], "return_value")
    assert found == {"t1": [(-1, '{"n": 1}')], "t0": [(-1, '{"n": 1}')]}


async def test_what_tasks_pushed_is_found_in_a_run_by_its_name(scene: Scene) -> None:
    await scene.register(loose(1))
    await scene.trigger(run_id="r")
    await scene.start()
    await scene.end(await scene.enqueue(), xcoms={"k": "1"})
    found = await XComReader(scene.database).search("etl", "r", ["t0"], key="k", until=None)
    assert found == {"t0": [(-1, "1")]}
