"""Jobs that tests have forked children do. Each says over its comms socket how far it has come."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from flowcore.runner.processes.jobs import Job


def echo(job: Job) -> None:
    """Send the payload back."""
    job.comms.sendall(json.dumps(dict(job.payload)).encode())


def dag_ids(job: Job) -> None:
    """Say which Dags are there, and which process this was forked from."""
    job.comms.sendall(json.dumps([[dag.dag_id for dag in job.dags], os.getppid()]).encode())


def print_and_end(job: Job) -> None:
    print("out", end="")
    print("err", file=sys.stderr, end="")


def draw(job: Job) -> None:
    job.comms.sendall(str(random.random()).encode())


def fail(job: Job) -> None:
    raise ValueError("the job is wrong")


def end(job: Job) -> None:
    os._exit(job.payload["status"])


def crash(job: Job) -> None:
    ctypes.string_at(0)


def hang(job: Job) -> None:
    """Say the pid, and wait for ever."""
    job.comms.sendall(str(os.getpid()).encode())
    time.sleep(1000)


def say_signals(job: Job) -> None:
    """Say which signal came, and end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: (_ for _ in ()).throw(SystemExit(number)))
    try:
        job.comms.sendall(b"ready")
        time.sleep(1000)
    except SystemExit as over:
        job.comms.sendall(str(over.code).encode())


def leave_a_daemon(job: Job) -> None:
    """Double-fork a process into a session of its own, say its pid, and end or wait for ever."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writing, str(os.getpid()).encode())
            os.closerange(0, 64)
            time.sleep(1000)
        os._exit(0)
    job.comms.sendall(os.read(reading, 100))
    time.sleep(job.payload["then_wait_s"])


def leave_a_command(job: Job) -> None:
    """Start a program, say its pid, and end."""
    started = subprocess.Popen(["sleep", "1000"])
    job.comms.sendall(str(started.pid).encode())


def open_files(job: Job) -> None:
    """Say what is open."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            found.append((fd, os.readlink(f"/proc/self/fd/{fd}")))
    job.comms.sendall(json.dumps(sorted(found)).encode())


def close_everything(job: Job) -> None:
    os.closerange(0, 256)
    time.sleep(1000)


def surroundings(job: Job) -> None:
    """Say what the process has found when it began."""
    found = {
        "environment": dict(os.environ),
        "arguments": sys.argv[1:],
        "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "group": os.getpgrp() == os.getpid(),
        "oom_score": int(Path("/proc/self/oom_score_adj").read_text()),
        "input": sys.stdin.read(),
    }
    job.comms.sendall(json.dumps(found).encode())


def loaded_modules(job: Job) -> None:
    """Names the modules that this process has imported."""
    job.comms.sendall(" ".join(sys.modules).encode())
