from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import anyio
import anyio.to_thread
import pytest

from flowcore.runner.logs.capture import TryLog, captured_by, capturing

log = logging.getLogger("tests.captured")


class Lines:
    """Collects what a try says."""

    def __init__(self):
        self.log, self._lines = TryLog(self._take), []

    def _take(self, lines):
        self._lines += map(json.loads, lines)

    @property
    def said(self):
        return [(line["logger"], line["event"]) for line in self._lines]


@pytest.fixture
def lines():
    return Lines()


@contextmanager
def spoken_to(lines):
    # Not in a fixture: pytest exchanges the streams between a fixture and its test.
    with capturing(), captured_by(lines.log):
        yield


def test_prints_and_records_are_captured_in_their_order(lines):
    with spoken_to(lines):
        print("one", 2)
        log.warning("three %d", 4)
        print("five", file=sys.stderr)
    assert lines.said == [("task.stdout", "one 2"), ("tests.captured", "three 4"), ("task.stderr", "five")]


def test_line_that_has_not_ended_is_captured_at_the_end(lines):
    with spoken_to(lines):
        sys.stdout.write("no end")
        assert lines.said == []
    assert lines.said == [("task.stdout", "no end")]


def test_bytes_are_captured(lines):
    with spoken_to(lines):
        sys.stdout.buffer.write(b"bytes\n")
    assert lines.said == [("task.stdout", "bytes")]


def test_what_is_printed_elsewhere_goes_where_it_always_went(lines, capfd):
    with capturing():
        with captured_by(lines.log):
            pass
        print("outside", flush=True)
    assert lines.said == []
    assert capfd.readouterr().out == "outside\n"


def test_streams_are_put_back():
    before = sys.stdout
    with capturing():
        assert sys.stdout is not before
    assert sys.stdout is before


async def test_tries_side_by_side_do_not_mix_their_lines():
    async def speak(lines, word):
        with captured_by(lines.log):
            for _ in range(3):
                print(word, end=" ")
                await anyio.lowlevel.checkpoint()
                log.warning(word)
                await anyio.to_thread.run_sync(print, word)

    both = Lines(), Lines()
    with capturing():
        async with anyio.create_task_group() as nursery:
            for lines, word in zip(both, ("a", "b"), strict=True):
                nursery.start_soon(speak, lines, word)
    for lines, word in zip(both, ("a", "b"), strict=True):
        assert {said for _, said in lines.said} == {word, f"{word} {word}"}
        assert len(lines.said) == 6


def test_child_of_a_try_writes_to_its_descriptors(lines, capfd):
    with spoken_to(lines):
        pid = os.fork()
        if pid == 0:
            print("grandchild", flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        subprocess.run([sys.executable, "-c", "print('program')"], check=True, stdout=sys.stdout)
    assert lines.said == []
    assert capfd.readouterr().out == "grandchild\nprogram\n"


def test_threads_of_one_try_may_log_at_the_same_time(lines):
    def speak():
        with captured_by(lines.log):
            for _ in range(50):
                log.warning("x")

    threads = [threading.Thread(target=speak) for _ in range(4)]
    with capturing():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(lines.said) == 200


def test_captured_stream_is_a_stream(lines):
    with spoken_to(lines):
        assert not sys.stdout.isatty()
        assert sys.stdout.writable()
        assert sys.stdout.encoding == "utf-8"
        assert sys.stdout.fileno() > 0
        sys.stdout.writelines(["a\n", "b\n"])
    assert [said for _, said in lines.said] == ["a", "b"]
