from __future__ import annotations

import attrs

from flowcore.domain.workloads import TryEnded, TryStarted
from flowcore.executors.try_reports import TryReports
from flowcore.runner.endings import GIVEN_BACK, failed
from flowcore.sdk.comms.messages import InstanceNamed, RenderedFields
from tests.runner.tries import MOMENT, Reports, workload_of


@attrs.frozen
class Clock:
    def now(self):
        return MOMENT


def reports_on(sink):
    return TryReports(workload_of("t"), sink, Clock())


def test_start_is_reported_once_with_what_templates_became():
    sink = Reports()
    reports = reports_on(sink)
    reports.notice(RenderedFields({"query": "SELECT 1"}))
    reports.report_start()
    reports.report_start()
    [start] = sink.reports
    assert (type(start), start.rendered_fields) == (TryStarted, {"query": "SELECT 1"})


def test_end_is_reported_once_and_nothing_afterwards():
    sink = Reports()
    reports = reports_on(sink)
    reports.report_end(failed("bug"))
    reports.report_end(GIVEN_BACK)
    reports.report_start()
    [end] = sink.reports
    assert (type(end), end.error, end.start_date) == (TryEnded, "bug", MOMENT)


def test_the_name_of_an_instance_is_reported_with_its_end():
    sink = Reports()
    reports = reports_on(sink)
    reports.notice(InstanceNamed("number 1"))
    reports.report_end(failed("bug"))
    assert sink.ends[0].instance_name == "number 1"
