"""Says to the scheduler when one try started and how it ended: each at most once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from flowcore.abc import ReportSink
from flowcore.clock import Clock
from flowcore.domain.workloads import TryEnded, TryStarted, Workload
from flowcore.runner.endings import Ending
from flowcore.sdk.comms.messages import InstanceNamed, Notice, RenderedFields
from flowcore.sdk.templates.display import shown_fields
from flowcore.secrets.masking import PROCESS


@attrs.define(eq=False)
class TryReports:
    """The reports about one try. Use it on the event loop's thread."""

    workload: Workload
    sink: ReportSink
    clock: Clock
    started_at: datetime | None = None
    is_ended: bool = False
    rendered_fields: Mapping[str, Any] = attrs.field(factory=dict)
    instance_name: str | None = None

    def notice(self, notice: Notice) -> None:
        """Keep what the reports will tell of what a try says."""
        if isinstance(notice, RenderedFields):
            # Its process has masked the secrets that it knows; we may know more.
            self.rendered_fields = shown_fields(notice.fields, length_max=sys.maxsize)
        elif isinstance(notice, InstanceNamed):
            self.instance_name = PROCESS.mask(notice.name)

    def report_start(self) -> None:
        """The author's code begins; said again, it began anew in another process."""
        if self.started_at is None and not self.is_ended:
            self.started_at = self.clock.now()
            self.sink.report(
                TryStarted(
                    workload=self.workload,
                    start_date=self.workload.start_date or self.started_at,
                    rendered_fields=self.rendered_fields,
                )
            )

    def report_end(self, ending: Ending) -> None:
        """The try is over."""
        if self.is_ended:
            return
        self.is_ended = True
        now = self.clock.now()
        self.sink.report(
            TryEnded(
                workload=self.workload,
                outcome=ending.outcome,
                start_date=self.workload.start_date or self.started_at or now,
                end_date=now,
                xcoms=ending.xcoms,
                error=ending.error,
                effects=ending.effects,
                reschedule_at=ending.reschedule_at,
                instance_name=self.instance_name,
                asset_updates=ending.asset_updates,
                advice=ending.advice,
            )
        )
