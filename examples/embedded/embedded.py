"""A scheduler inside a program of your own: `python examples/embedded/embedded.py [trio]`."""

from __future__ import annotations

import sys

import anyio

import flowcore
from flowcore.sdk import dag, task


@dag
def squares() -> None:
    @task
    async def square(number: int) -> int:
        return number * number

    @task
    def add(numbers: list[int]) -> int:
        return sum(numbers)

    add([square.override(task_id=f"square_{number}")(number) for number in range(10)])


async def main() -> None:
    async with flowcore.open("sqlite://") as fc:  # in memory; a file or PostgreSQL keeps the runs
        fc.register(squares())
        run = await fc.trigger("squares")
        async for event in run:
            print(f"{event.at:%H:%M:%S.%f} {event.task_id or 'the run'} is {event.state}")
        print("the sum is", await run.xcom("add"))


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1] if sys.argv[1:] else "asyncio")
