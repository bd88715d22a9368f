"""How a unit of work wakes those who wait: when, and only when, it commits.

The channels themselves are in `concurrency/wakeups.py`. The lanes collect what a unit woke, set the
flags of this process after the commit, and let other processes hear of it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from flowcore.concurrency.wakeups import Wakeups as Wakeups
from flowcore.database.commits import CHANNEL

#: Where a unit collects its channels on its connection until the lane takes them.
_INFO_KEY = "flowcore_wakeups"


def wake(connection: sa.Connection, channel: str) -> None:
    """Inside a unit of work: set `channel` here and in other processes if and when the unit commits.

    Channels are names of at most 63 bytes. Use few distinct ones in a unit: each is a notification.
    """
    connection.info.setdefault(_INFO_KEY, set()).add(channel)


def notes_of(origin: str, channels: Iterable[str]) -> list[str]:
    """What other processes are told: each channel, and by whom it was set."""
    return [f"{origin} {channel}" for channel in channels]


def take_channels(connection: sa.Connection) -> tuple[str, ...]:
    """The channels that the unit on `connection` signalled, sorted, and forget them there."""
    return tuple(sorted(connection.info.pop(_INFO_KEY, ())))


#: It need not reach the disk: a server that crashes loses its listeners, who then look at everything.
_NOTIFY = sa.text(
    "SELECT set_config('synchronous_commit', 'off', true),"
    f" count(pg_notify('{CHANNEL}', note)) FROM unnest(CAST(:notes AS text[])) note"
)


def notify_others(connection: sa.Connection, notes: Sequence[str]) -> None:
    """Tell the listeners of other processes, in a transaction that does nothing else."""
    connection.execute(_NOTIFY, {"notes": list(notes)})
