"""Dags that tests of the app run."""

from __future__ import annotations

import anyio

from flowcore.sdk import DAG, task


@task
async def extract():
    return {"rows": 3}


@task
def load(extracted):
    return extracted["rows"] * 2


@task
async def fail():
    raise ValueError("bug")


def etl(dag_id: str = "etl", **arguments: object) -> DAG:
    """A coroutine hands a value to a function."""
    with DAG(dag_id, **arguments) as dag:
        load(extract())
    return dag


def failing() -> DAG:
    with DAG("failing") as dag:
        fail()
    return dag


def gated() -> tuple[DAG, anyio.Event, anyio.Event]:
    """A Dag whose only task says that it is there (first event) and waits (for the second)."""
    arrived, gate = anyio.Event(), anyio.Event()

    @task
    async def wait():
        arrived.set()
        await gate.wait()

    with DAG("gated") as dag:
        wait()
    return dag, arrived, gate
