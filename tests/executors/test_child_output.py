from __future__ import annotations

import os

import anyio
import pytest

from flowcore.executors.child_output import read_output


@pytest.fixture
def pipe():
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    os.close(read)


async def test_lines_are_handed_on_until_the_writer_is_gone(pipe):
    read, write = pipe
    lines = []

    async def take(new):
        lines.extend(new)

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(read_output, read, take, b"zero\no")
        os.write(write, b"ne\ntw")
        await anyio.wait_all_tasks_blocked()
        os.write(write, b"o\nno end")
        os.close(write)
    assert lines == ["zero", "one", "two", "no end"]


async def test_writer_has_to_wait_while_nobody_takes(pipe):
    read, write = pipe
    os.set_blocking(write, False)
    may_go_on = anyio.Event()

    async def take(new):
        await may_go_on.wait()

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(read_output, read, take)
        await fill(write)
        with pytest.raises(BlockingIOError):
            os.write(write, b"x\n" * 2048)
        os.close(write)
        may_go_on.set()


async def fill(write):
    """Write until the reader reads no more."""
    for _ in range(100):
        try:
            while True:
                os.write(write, b"x\n" * 2048)
        except BlockingIOError:
            await anyio.wait_all_tasks_blocked()
