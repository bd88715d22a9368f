from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.external_marks import OWN_DATE, ExternalMark, MarkedTask

OWN = datetime(2026, 3, 1, tzinfo=UTC)
NEXT = OWN + timedelta(days=1)
LATER = "{{ macros.ds_add(ds, 1) }}"


@pytest.mark.parametrize(
    ("texts", "rendered", "expected"),
    [
        (("d", "t", OWN_DATE), {}, MarkedTask("d", "t", OWN)),
        (("d", "t", "2026-03-02T00:00:00"), {}, MarkedTask("d", "t", NEXT)),
        (("d", "t", LATER), {"logical_date": "2026-03-02"}, MarkedTask("d", "t", NEXT)),
        (("{{ x }}", "t", OWN_DATE), {"external_dag_id": "e"}, MarkedTask("e", "t", OWN)),
        (("d", "t", LATER), {}, None),  # it never ran
        (("{{ x }}", "t", OWN_DATE), {}, None),
        (("d", "t", LATER), {"logical_date": "tomorrow"}, None),
    ],
)
def test_templates_mean_what_they_became(texts, rendered, expected):
    dag_id, task_id, date = texts
    mark = ExternalMark(dag_id=dag_id, task_id=task_id, logical_date=date)
    assert mark.target(OWN, rendered) == expected


def test_a_run_without_a_date_marks_nothing():
    assert ExternalMark(dag_id="d", task_id="t").target(None, {}) is None
