from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

from flowcore.runner.thread_contexts import threads_inherit_context

OWNER = ContextVar("owner", default="nobody")


def seen_in_thread(owner):
    seen = []
    OWNER.set(owner)
    thread = threading.Thread(target=lambda: seen.append(OWNER.get()))
    thread.start()
    thread.join()
    return seen


def test_thread_has_the_context_of_who_started_it():
    with threads_inherit_context():
        assert seen_in_thread("a") == ["a"]


def test_call_in_a_pool_has_the_context_of_who_submitted_it():
    with threads_inherit_context(), ThreadPoolExecutor(1) as pool:
        seen = []
        for owner in ("a", "b"):
            OWNER.set(owner)
            seen.append(pool.submit(lambda default: OWNER.get(default), "x").result())
    assert seen == ["a", "b"]


def test_subclass_that_overrides_run_has_the_context_too():
    class Worker(threading.Thread):
        def run(self):
            self.seen = OWNER.get()

    OWNER.set("a")
    with threads_inherit_context():
        worker = Worker()
        worker.start()
        worker.join()
    assert worker.seen == "a"


def test_threads_begin_anew_outside_of_the_block():
    with threads_inherit_context():
        pass
    assert seen_in_thread("a") == ["nobody"]
