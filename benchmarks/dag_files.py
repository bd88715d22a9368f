"""`python -m benchmarks.dag_files`: until 1,000 Dag files are parsed and stored, and what stays in memory.

Each file is parsed in a process of its own, as the scheduler does, and has one Dag of three tasks. The floor
of the same minutes is how long it takes to fork and end a process of that size.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import anyio
import click
from tabulate import tabulate

import flowcore
from benchmarks.local import FAMILY, FORKS, fork_s
from flowcore.app.options import Options
from flowcore.runner.processes import linux
from flowcore.settings import ExecutorName
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server

TEXT = """
from flowcore.sdk import dag, task

@task
def work(): ...

@dag(dag_id="dag_{number}", schedule=None)
def make():
    work.override(task_id="a")() >> work.override(task_id="b")() >> work.override(task_id="c")()

make()
"""


def write_files(folder: Path, files: int) -> None:
    for number in range(files):
        (folder / f"dag_{number}.py").write_text(TEXT.format(number=number))


async def measure(url: str, files: int) -> tuple[float, float, float]:
    """Seconds until all are stored; megabytes of this process, and of all processes with it."""
    with tempfile.TemporaryDirectory(prefix="flowcore-bench-") as folder:
        write_files(Path(folder), files)
        began = time.perf_counter()
        options = Options(executor=ExecutorName.LOCAL)
        async with flowcore.open(url, dags_folder=folder, options=options) as fc:
            assert fc.folder is not None
            await fc.folder.wait_settled()
            took_s = time.perf_counter() - began
            assert all(fc.folder.catalogue.has_dag(f"dag_{number}") for number in range(files))
            family = linux.processes_with(FAMILY, str(os.getpid()))
            own = _proportional_mb(os.getpid())
            return took_s, own, own + sum(map(_proportional_mb, family))


def _proportional_mb(pid: int) -> float:
    """What a process occupies, shared pages counted in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@click.command()
@click.option("--files", default=1_000, show_default=True)
def main(files: int) -> None:
    """Print the table."""
    os.environ[FAMILY] = str(os.getpid())
    floor_s = fork_s()
    with running_server(fsync=True) as server:
        rows = []
        for backend in ("asyncio", "trio"):
            with fresh_database(server, f"flowcore_dag_files_{backend}") as url:
                took_s, own, whole = anyio.run(measure, url, files, backend=backend)
            each = f"{took_s / files * 1e3:.1f} ms, {took_s / files / floor_s:.1f} times the floor"
            rows.append((backend, f"{took_s:.1f} s", each, f"{own:.0f} MB", f"{whole:.0f} MB"))
    print(f"floor: {FORKS} processes forked and ended one after the other, {floor_s * 1e3:.1f} ms each\n")
    headers = ("loop", f"{files} files", "each", "the scheduler", "with all its processes")
    print(tabulate(rows, headers=headers, tablefmt="github"))


if __name__ == "__main__":
    main()
