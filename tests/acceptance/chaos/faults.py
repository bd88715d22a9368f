"""What goes wrong, when, and for how long: drawn before anything runs, so that a seed says all of it."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import anyio
import attrs
import psycopg
from anyio import to_thread

from tests.acceptance.chaos.members import Member
from tests.acceptance.chaos.server import MortalServer

#: How often each is drawn, in proportion.
WEIGHTS = {
    "kill_scheduler": 3,
    "kill_child": 8,
    "freeze_scheduler": 2,
    "end_sessions": 3,
    "cut_network": 3,
    "block_network": 3,
    "kill_server": 1,
    "end_server": 1,
    "lock_rows": 2,
    "lock_table": 1,
}
#: Seconds; longer than a lease, so that some are frozen or cut off until others have taken over.
_LONGEST_S = 8.0
_HELD_ROWS = "SELECT id FROM task_instance WHERE lease_id IS NOT NULL ORDER BY random() LIMIT 5 FOR UPDATE"


@attrs.frozen
class Fault:
    """One fault: its name, seconds after the one before, how long it lasts, and what else is drawn."""

    name: str
    after_s: float
    lasts_s: float
    seed: int


def draw_faults(chance: Random, duration_s: float, every_s: float) -> Sequence[Fault]:
    """Faults of every kind, on average one in `every_s` seconds."""
    faults, at_s = list[Fault](), 0.0
    while at_s < duration_s:
        [name] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        after_s = chance.uniform(0, 2 * every_s)
        lasts_s = _LONGEST_S * chance.random() ** 2  # most are short
        faults.append(Fault(name, after_s, lasts_s, chance.getrandbits(32)))
        at_s += after_s
    return faults


@attrs.define(eq=False)
class Trouble:
    """Makes faults happen; `tally` counts those that did."""

    members: Sequence[Member]
    server: MortalServer
    url: str
    tally: Counter[str] = attrs.field(factory=Counter)

    async def make(self, faults: Sequence[Fault]) -> None:
        """Let one after the other begin; they may overlap. Return when all of them are over."""
        async with anyio.create_task_group() as nursery:
            for fault in faults:
                await anyio.sleep(fault.after_s)
                nursery.start_soon(self._happen, fault)

    async def _happen(self, fault: Fault) -> None:
        chance = Random(fault.seed)
        member = chance.choice(self.members)
        happen: Callable[[Member, Fault, Random], Awaitable[bool | None]] = getattr(self, f"_{fault.name}")
        if await happen(member, fault, chance) is not False:
            self.tally[fault.name] += 1

    async def _kill_scheduler(self, member: Member, fault: Fault, chance: Random) -> None:
        member.send(signal.SIGKILL)

    async def _kill_child(self, member: Member, fault: Fault, chance: Random) -> bool:
        return member.kill_child(chance)

    async def _freeze_scheduler(self, member: Member, fault: Fault, chance: Random) -> None:
        member.send(signal.SIGSTOP)
        await anyio.sleep(2 * fault.lasts_s)
        member.send(signal.SIGCONT)

    async def _cut_network(self, member: Member, fault: Fault, chance: Random) -> None:
        member.proxy.cut()

    async def _block_network(self, member: Member, fault: Fault, chance: Random) -> None:
        async with member.proxy.blocked():
            await anyio.sleep(2 * fault.lasts_s)

    async def _kill_server(self, member: Member, fault: Fault, chance: Random) -> None:
        await self.server.end(signal.SIGKILL, fault.lasts_s / 4)

    async def _end_server(self, member: Member, fault: Fault, chance: Random) -> None:
        await self.server.end(chance.choice([signal.SIGQUIT, signal.SIGINT]), fault.lasts_s / 4)

    async def _end_sessions(self, member: Member, fault: Fault, chance: Random) -> bool:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE random() < %s"
        return await to_thread.run_sync(self._hold, query.replace("%s", str(chance.random())), 0.0)

    async def _lock_rows(self, member: Member, fault: Fault, chance: Random) -> bool:
        table = chance.choice(["task_instance", "dag_run"])
        query = _HELD_ROWS if table == "task_instance" else "SELECT id FROM dag_run FOR UPDATE"
        return await to_thread.run_sync(self._hold, query, fault.lasts_s)

    async def _lock_table(self, member: Member, fault: Fault, chance: Random) -> bool:
        query = f"LOCK TABLE {chance.choice(['task_instance', 'dag_run', 'lease', 'pool'])}"
        return await to_thread.run_sync(self._hold, query, fault.lasts_s / 2)

    def _hold(self, query: str, for_s: float) -> bool:
        """Execute it in a transaction of somebody else, which then does nothing for so long."""
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                connection.execute("SET lock_timeout = '5s'")
                connection.execute(query.encode())
                connection.execute("SELECT pg_sleep(%s)", [for_s])
        except psycopg.Error:  # it is hit by the other faults as well
            return False
        return True
