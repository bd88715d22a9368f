"""The smallest Dag file: `flowcore run examples/hello/hello.py`."""

from __future__ import annotations

from flowcore.sdk import dag, task


@dag
def hello() -> None:
    @task
    async def greet(name: str) -> str:
        return f"Hello, {name}!"

    greet("world")


hello()
