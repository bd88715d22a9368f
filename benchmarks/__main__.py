"""`python -m benchmarks [LOAD ...]`: every load on every database and event loop, as a table.

Absolute figures depend on the machine; read them beside the floor, which is printed first.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import anyio
import click
from tabulate import tabulate

from benchmarks.floor import pgbench_rate
from benchmarks.loads import LOADS
from benchmarks.measure import Figures, measure
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server
from tests.support.postgres_binaries import find_binaries

_HEADERS = (
    "load",
    "database",
    "loop",
    "makespan s",
    "hop ms",
    "task instances/s",
    "statements/TI",
    "transactions/TI",
    "TI/s ÷ floor",
)


@click.command()
@click.argument("loads", nargs=-1, type=click.Choice(list(LOADS)))
@click.option(
    "--database", "databases", multiple=True, type=click.Choice(["postgresql", "asyncpg", "sqlite"])
)
@click.option("--backend", "backends", multiple=True, type=click.Choice(["asyncio", "trio"]))
@click.option(
    "--rounds", default=3, show_default=True, help="Counted rounds after a warm-up; medians are shown."
)
def main(loads: tuple[str, ...], databases: tuple[str, ...], backends: tuple[str, ...], rounds: int) -> None:
    """Measure LOADS (all by default)."""
    with running_server(fsync=True) as server:
        floor = _print_floor(server)
        rows = []
        for database in databases or ("postgresql", "sqlite"):
            for backend in backends or ("asyncio", "trio"):
                for load in loads or tuple(LOADS):
                    figures = _measure(server, database, backend, load, rounds)
                    rows.append(_row(load, database, backend, figures, floor))
                    print(".", end="", file=sys.stderr, flush=True)
    print()
    print(tabulate(rows, headers=_HEADERS, floatfmt=".3g", tablefmt="github"))


def _print_floor(server: str) -> float:
    with fresh_database(server, "flowcore_floor") as url:
        rates = {clients: pgbench_rate(find_binaries(), url, clients=clients) for clients in (1, 8)}
    for clients, rate in rates.items():
        print(f"floor: pgbench simple update, {clients} client(s): {rate:.0f} transactions/s")
    return rates[1]


def _measure(server: str, database: str, backend: str, load: str, rounds: int) -> Figures:
    with _url(server, database, f"flowcore_{load}_{backend}") as url:
        return anyio.run(partial(measure, LOADS[load], url, rounds), backend=backend)


@contextmanager
def _url(server: str, database: str, name: str) -> Iterator[str]:
    if database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="flowcore-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'bench.db'}"
        return
    with fresh_database(server, name) as url:
        yield url if database == "postgresql" else url.replace("postgresql://", "postgresql+asyncpg://", 1)


def _row(load: str, database: str, backend: str, figures: Figures, floor: float) -> tuple[object, ...]:
    return (
        load,
        database,
        backend,
        figures.makespan_s,
        figures.hop_ms if load == "chain" else None,
        figures.task_instances_per_s,
        figures.statements_per_task_instance,
        figures.transactions_per_task_instance,
        figures.task_instances_per_s / floor if database != "sqlite" else None,
    )


if __name__ == "__main__":
    main()
