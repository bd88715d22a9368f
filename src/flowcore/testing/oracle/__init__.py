"""The reference interpreter: how a run must end, from the Dag and the ends of its tries alone.

It knows nothing of time, batches, processes or databases, shares no decision with the scheduler, and each of
its pages is short enough to be believed. Where the scheduler and these pages disagree, one of them is wrong
(invariant I13).

- `trigger_rules.py` says what each rule means
- `structure.py` says who is concerned by whom: setups, scopes of teardowns, those that skip, leaves
- `verdicts.py` says what becomes of one task instance when others ended so
- `runs.py` interprets a whole run
"""

from flowcore.testing.oracle.runs import (
    End,
    ExpectedRun,
    expect_run,
    interpret,
    scripted_end,
    stopped_in,
)
from flowcore.testing.oracle.verdicts import (
    Key,
    Record,
    States,
    has_failure,
    verdict_of,
    waits_for_past,
)

__all__ = [
    "End",
    "ExpectedRun",
    "Key",
    "Record",
    "States",
    "expect_run",
    "has_failure",
    "interpret",
    "scripted_end",
    "stopped_in",
    "verdict_of",
    "waits_for_past",
]
