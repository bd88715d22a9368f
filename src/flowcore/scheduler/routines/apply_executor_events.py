"""What executors report → success, retry, failed. `decisions/end_tries.py` decides.

Reports pile up in a buffer while the transaction before is under way, and are written together: the
batch grows with the load, and an idle system has no added delay. A start is only worth a transaction of
its own when the end does not follow at once, so starts wait a moment for it. So do ends for each other, while
other tries were submitted just now that may be as short: what follows an end, up to the claim of the next
try, is then done once for several.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.workloads import Report, TryEnded, TryOutcome, TryStarted, Workload
from flowcore.errors import DataRefused
from flowcore.scheduler.decisions.end_tries import end_try
from flowcore.scheduler.store import Applied, Batch, Store
from flowcore.scheduler.wake_graph import Channel, RoutineName

log = logging.getLogger(__name__)

_UNSTORABLE = "what the try left cannot be stored; its XComs or its error hold characters no database keeps"

#: A start is written when it has waited so long for its end, and those with it that have waited half as long.
_START_DELAY = timedelta(milliseconds=50)
#: How long an end waits for others at most.
_END_DELAY = timedelta(milliseconds=20)
#: Ends wait while so many tries are young: submitted this long ago at most, and neither written nor ended.
_YOUNG_MIN = 4
_YOUNG_FOR = timedelta(seconds=1)

_Key = tuple[int, int]


@attrs.define
class ReportBuffer:
    """Reports that are not written yet: a `flowcore.abc.ReportSink`; `expect` says who may report soon."""

    wakeups: Wakeups
    started: dict[_Key, TryStarted] = attrs.field(factory=dict)
    ended: list[TryEnded] = attrs.field(factory=list)
    _submitted: dict[_Key, datetime] = attrs.field(factory=dict, init=False)

    def expect(self, workload: Workload, now: datetime) -> None:
        """A try was submitted."""
        self._submitted[_key(workload)] = now

    def report(self, report: Report) -> None:
        """Take one report and wake the routine."""
        key = _key(report.workload)
        if isinstance(report, TryEnded):
            self._submitted.pop(key, None)
            self.ended.append(_with_its_start(report, self.started.pop(key, None)))
        else:
            self.started[key] = report
        self.wakeups.set(Channel.EXECUTOR_REPORTS)

    def wait_for_ends_until(self, now: datetime) -> datetime | None:
        """Until when it is worth waiting for more ends before those are written that there are."""
        if not self.ended:
            return None
        young = self._young(now)
        if young < _YOUNG_MIN or len(self.ended) >= young:
            return None
        until = self.ended[0].end_date + _END_DELAY
        return until if now < until else None

    def starts_due(self, now: datetime) -> list[TryStarted]:
        """The starts to write now, if one of them has waited long enough for its end."""
        waiting = [start for start in self.started.values() if start.start_date <= now - _START_DELAY / 2]
        is_due = any(start.start_date <= now - _START_DELAY for start in waiting)
        return waiting if is_due else []

    def forget_starts(self, written: Sequence[TryStarted]) -> None:
        """These are written; their ends are far."""
        for start in written:
            self.started.pop(_key(start.workload), None)
            self._submitted.pop(_key(start.workload), None)

    def _young(self, now: datetime) -> int:
        # In the order of their submission.
        for key, submitted_at in list(self._submitted.items()):
            if submitted_at >= now - _YOUNG_FOR:
                break
            del self._submitted[key]
        return len(self._submitted)


def _key(workload: Workload) -> _Key:
    return workload.task_instance_id, workload.token


def _with_its_start(ended: TryEnded, unwritten: TryStarted | None) -> TryEnded:
    if unwritten is None or not unwritten.rendered_fields:
        return ended
    return attrs.evolve(ended, rendered_fields=unwritten.rendered_fields)


@attrs.define
class ApplyExecutorEvents:
    """Writes reports; those that could not be written stay in the buffer for the next step.

    A report that the database refuses must not keep the others from being written: the batch is halved
    until it stands alone, and then its try fails.
    """

    store: Store
    buffer: ReportBuffer
    batch_size: int = 1_000
    refused: int = 0
    name: RoutineName = RoutineName.APPLY_EXECUTOR_EVENTS
    _limit: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._limit = self.batch_size

    async def step(self, now: datetime) -> Batch:
        """Write what there is, or wait for more."""
        until = self.buffer.wait_for_ends_until(now)
        return await self.write(now) if until is None else Batch(next_at=until)

    async def write(self, now: datetime) -> Batch:
        """Write one batch of ends, and the starts that are due."""
        ended = self.buffer.ended[: self._limit]
        started = self.buffer.starts_due(now)
        if not ended and not started:
            return Batch(next_at=self._next_start())
        try:
            applied = await self.store.apply_reports(end_try, started=started, ended=ended)
        except DataRefused as error:
            self._isolate(ended, error)
            return Batch(more=True)
        self._limit = self.batch_size
        del self.buffer.ended[: len(ended)]
        self.buffer.forget_starts(started)
        self.refused += len(applied.refused)
        _log(ended, applied)
        return Batch(moved=applied.moved, more=bool(self.buffer.ended), next_at=self._next_start())

    def _isolate(self, ended: Sequence[TryEnded], error: DataRefused) -> None:
        if len(ended) > 1:
            self._limit = len(ended) // 2
        elif not ended or ended[0].error == _UNSTORABLE:
            raise error
        else:
            log.error("%s: %s", ended[0].workload, error)
            self.buffer.ended[0] = attrs.evolve(
                ended[0], outcome=TryOutcome.FAILED_FOR_GOOD, xcoms={}, error=_UNSTORABLE
            )

    def _next_start(self) -> datetime | None:
        first = min((start.start_date for start in self.buffer.started.values()), default=None)
        return None if first is None else first + _START_DELAY


def _log(ended: Sequence[TryEnded], applied: Applied) -> None:
    for report in applied.refused:
        log.warning("%s: its end (%s) was refused, the try was lost", report.workload, report.outcome)
    for report in applied.stopped:
        log.info("%s was revoked and has stopped: %s", report.workload, report.error or report.outcome)
    too_late = (*applied.refused, *applied.stopped)
    for report in ended:
        has_failed = report.outcome in (TryOutcome.FAILED, TryOutcome.FAILED_FOR_GOOD)
        if has_failed and report not in too_late:
            log.warning("%s failed: %s", report.workload, report.error)
