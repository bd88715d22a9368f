from __future__ import annotations

import json
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from flowcore.runner.logs.files import LogFiles, open_log_files
from flowcore.secrets.masking import PROCESS

PATH = Path("dag_id=d/attempt=1.log")


async def test_lines_are_there_once_they_are_written(tmp_path):
    async with open_log_files(tmp_path) as files:
        files.add(PATH, ["a", "b"])
        files.add(PATH, ["c"])
        await files.written()
        assert (tmp_path / PATH).read_text() == "a\nb\nc\n"


async def test_what_was_added_last_is_written_at_the_end(tmp_path):
    async with open_log_files(tmp_path) as files:
        for number in range(1000):
            files.add(PATH, [str(number)])
    assert (tmp_path / PATH).read_text().split() == [str(number) for number in range(1000)]


async def test_no_file_is_made_without_lines(tmp_path):
    async with open_log_files(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


async def test_what_is_in_a_file_is_kept(tmp_path):
    for line in ("first life", "second life"):
        async with open_log_files(tmp_path) as files:
            files.add(PATH, [line])
    assert (tmp_path / PATH).read_text() == "first life\nsecond life\n"


async def test_secrets_are_masked(tmp_path):
    PROCESS.add(['pla"nted-in-logs'])
    async with open_log_files(tmp_path) as files:
        files.add(PATH, [json.dumps({"event": 'it is pla"nted-in-logs'})])
    assert json.loads((tmp_path / PATH).read_text()) == {"event": "it is ***"}


async def test_halves_of_surrogate_pairs_are_written_out(tmp_path):
    async with open_log_files(tmp_path) as files:
        files.add(PATH, ["\udc80"])
    assert (tmp_path / PATH).read_text() == "\\udc80\n"


async def test_disk_that_refuses_is_complained_of_once_and_stops_nobody(tmp_path, caplog):
    (tmp_path / "dag_id=d").write_text("a file where a folder has to be")
    async with open_log_files(tmp_path) as files:
        for _ in range(3):
            files.add(PATH, ["lost"])
            await files.written()
        files.add(Path("fine.log"), ["kept"])
    assert (tmp_path / "fine.log").read_text() == "kept\n"
    assert caplog.text.count("cannot be written") == 1


@pytest.fixture
async def stuck(tmp_path):
    """Files with room for ten bytes, which nobody writes until `work` is called."""
    return LogFiles(tmp_path, anyio.lowlevel.current_token(), waiting_max=10)


async def test_coroutine_is_told_to_wait_when_much_is_waiting(stuck):
    stuck.add(PATH, ["x" * 11])
    with anyio.move_on_after(0) as scope:
        await stuck.room()
    assert scope.cancelled_caught
    worker = threading.Thread(target=stuck.work)
    worker.start()
    await stuck.room()
    stuck.close()
    await anyio.to_thread.run_sync(worker.join)


async def test_thread_waits_for_room_and_nothing_is_lost(stuck, tmp_path):
    def log():
        for _ in range(100):
            stuck.add(PATH, ["0123456789"])

    worker = threading.Thread(target=stuck.work)
    worker.start()
    async with anyio.create_task_group() as nursery:
        for _ in range(4):
            nursery.start_soon(anyio.to_thread.run_sync, log)
    await stuck.written()
    stuck.close()
    await anyio.to_thread.run_sync(worker.join)
    assert (tmp_path / PATH).read_text() == "0123456789\n" * 400


async def test_thread_that_waits_for_room_is_let_go_at_the_end(stuck):
    stuck.add(PATH, ["x" * 11])
    adding = threading.Thread(target=stuck.add, args=(PATH, ["y"]))
    adding.start()
    stuck.close()
    await anyio.to_thread.run_sync(adding.join)
    assert not adding.is_alive()
