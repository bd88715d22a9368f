"""`python -m benchmarks.growth`: what history, many Dags, wide and long runs and open runs cost.

Each load is run in turns on an empty database, on one with a million finished task instances, and on one with
ten thousand Dags, all on one server; so read the ratios, which other work on the machine disturbs least.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from statistics import median

import anyio
import click
import sqlalchemy as sa
from tabulate import tabulate

import flowcore
from benchmarks.loads import LOADS, Load, make_chain, make_fan_out
from benchmarks.measure import Figures, measure
from flowcore.app.options import Options
from flowcore.database.engine import open_database
from flowcore.database.queries.register_dags import register_dag, register_dags
from flowcore.database.schema import prepare
from flowcore.domain.dag_files import NewVersion
from flowcore.runner.processes import linux
from flowcore.sdk import DAG, task
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server
from tests.support.scheduling import single

RUNS, TASKS, DAGS, OPEN_RUNS = 100_000, 10, 10_000, 1_000

HISTORY = (
    f"""INSERT INTO dag_run (dag_id, run_id, dag_version_id, run_type, state, logical_date, run_after, conf,
    params, queued_at, start_date, end_date, revision)
    SELECT 'old', 'r' || n, 1, 'manual', 'success', now() - n * interval '1 minute', now(), '{{}}', '{{}}',
    now(), now(), now(), 0 FROM generate_series(1, {RUNS}) AS n""",
    f"""INSERT INTO task_instance (dag_run_id, dag_id, task_id, position, map_index, state, try_number,
    max_tries, pool, pool_slots, priority_weight, run_date, queued_at, start_date, end_date)
    SELECT n, 'old', 't' || t, t, -1, 'success', 1, 0, 'default_pool', 1, 1, now(), now(), now(), now()
    FROM generate_series(1, {RUNS}) AS n, generate_series(1, {TASKS}) AS t""",
    "ANALYZE",
)


def fill_history(connection: sa.Connection) -> None:
    register_dag(connection, single("old"), now=datetime.now(UTC), paused_at_creation=False)
    for statement in HISTORY:
        connection.exec_driver_sql(statement)


def fill_dags(connection: sa.Connection) -> None:
    versions = [NewVersion.of(single(f"idle_{n}")) for n in range(DAGS)]
    register_dags(connection, versions, now=datetime.now(UTC), paused_at_creation=False)


CASES: dict[str, Callable[[sa.Connection], None]] = {
    "empty": lambda _: None,
    f"{RUNS * TASKS:,} finished task instances": fill_history,
    f"{DAGS:,} Dags": fill_dags,
}
LARGE = (
    Load("1 + 10,000 + 1", partial(make_fan_out, width=10_000), 1, 10_002),
    Load("chain of 5,000", partial(make_chain, length=5_000), 1, 5_000),
)


async def fill(url: str, unit: Callable[[sa.Connection], None]) -> None:
    async with open_database(url) as database:
        await database.run(prepare, default_pool_slots=-1)
        await database.run(unit)


async def open_runs(url: str) -> float:
    """Kilobytes that each run takes in the scheduler's process while its task runs."""
    gate, begun = anyio.Event(), 0
    with DAG("open", max_active_tasks=0, max_active_runs=0) as dag:

        @task
        async def wait() -> None:
            nonlocal begun
            begun += 1
            await gate.wait()

        wait()
    options = Options(async_parallelism=10_000, default_pool_slots=-1)
    async with flowcore.open(url, dags=[dag], options=options) as fc:
        before = linux.resident_bytes()
        runs = [await fc.trigger("open") for _ in range(OPEN_RUNS)]
        while begun < OPEN_RUNS:  # noqa: ASYNC110
            await anyio.sleep(0.1)
        after = linux.resident_bytes()
        gate.set()
        for run in runs:
            await run.wait()
    return (after - before) / OPEN_RUNS / 1_000


def in_turns(urls: dict[str, str], rounds: int) -> dict[tuple[str, str], list[Figures]]:
    """The figures of each load on each database, one round after the other."""
    figures: dict[tuple[str, str], list[Figures]] = {}
    for _ in range(rounds):
        for name, load in LOADS.items():
            for case, url in urls.items():
                figures.setdefault((name, case), []).append(anyio.run(measure, load, url, 1))
                print(".", end="", file=sys.stderr, flush=True)
    return figures


def rows_of(figures: dict[tuple[str, str], list[Figures]]) -> Sequence[tuple[object, ...]]:
    rows = []
    for (name, case), found in figures.items():
        rate, hop = median(f.task_instances_per_s for f in found), median(f.hop_ms for f in found)
        empty = median(f.task_instances_per_s for f in figures[name, "empty"])
        rows.append((name, case, rate, hop if name == "chain" else None, rate / empty))
    return rows


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--skip-large", is_flag=True, help="Without the wide and the long run.")
def main(rounds: int, skip_large: bool) -> None:
    """Print the tables."""
    with running_server(fsync=True) as server, ExitStack() as databases:
        urls = {
            case: databases.enter_context(fresh_database(server, f"flowcore_growth_{number}"))
            for number, case in enumerate(CASES)
        }
        for case, url in urls.items():
            anyio.run(fill, url, CASES[case])
        headers = ("load", "database", "task instances/s", "hop ms", "÷ empty")
        print(tabulate(rows_of(in_turns(urls, rounds)), headers, floatfmt=".3g", tablefmt="github"))
        print(f"\nan open run takes {anyio.run(open_runs, urls['empty']):.1f} kB")
        for load in () if skip_large else LARGE:
            found = anyio.run(measure, load, urls["empty"], 1)
            print(
                f"{load.name}: {found.task_instances_per_s:.0f} task instances/s, hop {found.hop_ms:.1f} ms"
            )


if __name__ == "__main__":
    main()
