"""A Dag file whose tasks misbehave in every way we know of, and one that behaves."""

from __future__ import annotations

from flowcore.domain.dag_sources import DagSource

TEXT = """
import os, signal, socket, stat, subprocess, sys, time
from pathlib import Path

import anyio
from flowcore.sdk import DAG, task

HERE = Path(__file__).parent


class Odd(BaseException):
    pass


def comms_socket():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass


with DAG("d") as dag:
    @task
    def behave():
        time.sleep(0.3)
        return "fine"

    @task
    def exit_at_once():
        os._exit(0)

    @task
    def exit_with_3():
        os._exit(3)

    @task
    def crash():
        print("before", flush=True)
        import ctypes
        ctypes.string_at(0)

    @task
    def be_killed():
        os.kill(os.getpid(), signal.SIGKILL)

    @task
    def be_terminated_by_its_own_group():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.killpg(0, signal.SIGTERM)

    @task
    def leave_a_daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                (HERE / "daemon").write_text(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        os.wait()
        while not (HERE / "daemon").exists():
            time.sleep(0.01)

    @task
    def close_descriptors():
        os.closerange(3, 256)

    @task
    def push_100_megabytes():
        return "x" * 100_000_000

    @task
    def write_garbage():
        os.write(comms_socket(), b"garbage " * 1000)
        time.sleep(600)

    @task
    def raise_odd():
        raise Odd("odd")

    @task
    def raise_system_exit():
        sys.exit(1)

    @task(execution_timeout=2)
    def outlive_timeout():
        try:
            time.sleep(600)
        finally:
            print("cleaned up")

    @task(execution_timeout=2)
    def outlive_timeout_in_c():
        sum(range(10**13))

    @task(execution_timeout=2)
    def swallow_interrupts():
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass

    @task
    def print_megabytes():
        for number in range(50_000):
            print(f"line {number}", "x" * 100)
        os.write(1, b"y" * 1_000_000)

    @task
    def say_from_everywhere():
        import logging, threading, warnings
        logging.getLogger("mine").warning("logged")
        print("printed")
        subprocess.run(["echo", "from a program"])
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()
        warnings.warn("warned")

    @task
    async def abehave():
        await anyio.sleep(0.3)
        return "fine"

    @task
    async def block_the_loop():
        time.sleep(3)

    @task(execution_timeout=2)
    async def swallow_cancellation():
        while True:
            try:
                await anyio.sleep(600)
            except BaseException:
                pass

    @task(execution_timeout=2)
    async def outlive_timeout_async():
        await anyio.sleep(600)

    @task
    async def araise_odd():
        raise Odd("odd")

    @task
    async def araise_system_exit():
        sys.exit(1)

    @task
    async def asay():
        print("printed")
        await anyio.to_thread.run_sync(print, "from a thread")

    @task
    async def take_the_worker_along():
        await anyio.sleep(0.3)
        os._exit(0)

    @task(runs_in="process")
    async def alone():
        await anyio.sleep(0.01)
        return os.getpid()

    @task
    async def wait_for_the_worker_to_die():
        marker = HERE / f"seen-{os.getpid()}"
        marker.touch()
        if len(list(HERE.glob("seen-*"))) > 1:
            return "again"
        await anyio.sleep(600)

    tasks = [value for value in list(globals().values()) if hasattr(value, "override")]
    for one in tasks:
        one()
"""


def misbehaviour(folder: str) -> DagSource:
    return DagSource.of(TEXT, path=f"{folder}/misbehaviour.py", folder=folder)
