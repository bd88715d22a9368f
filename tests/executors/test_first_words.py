from __future__ import annotations

import os

import anyio
import pytest

from flowcore.executors.first_words import hearing_first_words


@pytest.fixture
def pipe():
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    os.close(read)


async def test_what_is_written_first_is_heard_and_the_rest_left_to_a_reader(pipe):
    read, write = pipe
    heard, event = [], anyio.Event()

    def begin(first):
        heard.append(first)
        event.set()

    async with hearing_first_words() as words:
        with words.of(read, begin):
            os.write(write, b"one")
            await event.wait()
            os.write(write, b"two")
            os.close(write)
            await anyio.wait_all_tasks_blocked()
    assert heard == [b"one"]
    assert os.read(read, 100) == b"two"


async def test_what_was_written_last_is_heard_when_nobody_waits_any_more(pipe):
    read, write = pipe
    heard = []
    async with hearing_first_words() as words:
        with words.of(read, heard.append):
            os.write(write, b"last")
    os.close(write)
    assert heard == [b"last"]


async def test_nothing_is_heard_of_who_writes_nothing(pipe):
    read, write = pipe
    heard = []
    async with hearing_first_words() as words:
        with words.of(read, heard.append):
            os.close(write)
            await anyio.wait_all_tasks_blocked()
    assert heard == []
