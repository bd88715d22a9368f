from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.connections import Connection
from flowcore.domain.dag_runs import PastTaskInstance, TaskInstanceFilter
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import ProtocolError, UsageError
from flowcore.sdk.comms.envelopes import VERSION, Envelope, decode, encode
from flowcore.sdk.comms.messages import (
    CancelTry,
    ConnectionFound,
    Done,
    ErrorAnswer,
    GetVariable,
    LogLines,
    Message,
    PullXComs,
    RenderedFields,
    RunTry,
    SetVariable,
    TryOver,
    XComTexts,
)
from flowcore.sdk.comms.run_messages import (
    CountTaskInstances,
    DagRunFound,
    GetPreviousDagRun,
    TaskInstancesFound,
)
from tests.runner.tries import DATED_RUN, MOMENT, past_run, workload_of

PAST = PastTaskInstance(
    dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1, state=TaskInstanceState.FAILED
)

MESSAGES = [
    CancelTry("marked failed"),
    ConnectionFound(Connection(conn_id="db", conn_type="postgres", password="p", port=5432)),
    Done(),
    ErrorAnswer("DagNotFound", "there is no Dag", {"dag_id": "d", "known": ["e"]}),
    LogLines(("a", "b")),
    PullXComs(7, (("up", -1, "return_value"), ("side", 3, "k"))),
    RenderedFields({"sql": ["select 1"]}),
    RunTry(workload_of("t", run=DATED_RUN, timeout_s=1.5), ("/dags/dag.py", "abc")),
    SetVariable("key", "value"),
    TryOver(TryOutcome.FAILED, {"k": "1"}, "ValueError"),
    XComTexts(('{"a": 1}', None)),
    GetPreviousDagRun("d", MOMENT, "success"),
    DagRunFound(past_run("r", start_date=MOMENT, conf={"a": 1})),
    DagRunFound(None),
    CountTaskInstances(TaskInstanceFilter(dag_id="d", logical_dates=(MOMENT,), states=("none",))),
    TaskInstancesFound((PAST,)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_arrive_as_they_were_sent(message: Message) -> None:
    envelope = Envelope(message, 3, 4)
    assert decode(encode(envelope)) == envelope


@given(key=st.text(), ids=st.tuples(*[st.none() | st.integers(min_value=0)] * 2))
def test_every_text_arrives(key: str, ids: tuple[int | None, int | None]) -> None:
    envelope = Envelope(GetVariable(key), *ids)
    assert decode(encode(envelope)) == envelope


def test_half_a_surrogate_pair_arrives() -> None:
    assert decode(encode(Envelope(GetVariable("\ud800")))).message == GetVariable("\ud800")


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_what_is_no_json_is_not_sent(value: object) -> None:
    with pytest.raises(UsageError, match="RenderedFields cannot be sent to another process"):
        encode(Envelope(RenderedFields({"field": value})))


def payload(*parts: Any) -> bytes:
    return json.dumps(parts).encode()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "it sent something that is no message"),
        (b"\xff\xfe\x00", "no message"),
        (b"[" * 100_000, "no message"),
        (b"NaN", "no message"),
        (b"{}", "no message"),
        (b"1" * 10_000, "no message"),
        (payload(VERSION, 1, None, "GetVariable"), "no message"),
        (payload(VERSION + 1, 1, None, "GetVariable", {}), "it speaks version 2, and this"),
        (payload("1", 1, None, "GetVariable", {}), "it speaks version '1'"),
        (payload(VERSION, 1, None, "Nonsense", {}), "unknown kind 'Nonsense'"),
        (payload(VERSION, 1, None, "Request", {}), "unknown kind 'Request'"),
        (payload(VERSION, 1, None, ["GetVariable"], {}), "unknown kind"),
        (payload(VERSION, 1, None, "GetVariable", {}), "malformed GetVariable"),
        (payload(VERSION, 1, None, "GetVariable", {"key": 1}), "malformed GetVariable: TypeError"),
        (payload(VERSION, 1, None, "GetVariable", {"key": "a", "b": 1}), "malformed GetVariable: ValueError"),
        (payload(VERSION, 1, None, "PullXComs", {"dag_run_id": 1, "keys": [["a"]]}), "malformed PullXComs"),
        (payload(VERSION, -1, None, "GetVariable", {"key": "a"}), "id is no number"),
        (payload(VERSION, True, None, "GetVariable", {"key": "a"}), "id is no number"),
        (payload(VERSION, 1, "x", "GetVariable", {"key": "a"}), "id is no number"),
    ],
)
def test_nonsense_is_the_peers_fault(sent: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(sent)
    assert message in str(caught.value)


JSON = st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)


@given(st.binary() | JSON)
def test_no_bytes_do_any_harm(sent: bytes) -> None:
    try:
        decode(sent)
    except ProtocolError:
        return


def test_values_of_a_malformed_message_are_not_quoted() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(payload(VERSION, 1, None, "SetVariable", {"key": "a", "value": ["planted-secret"]}))
    assert "planted" not in str(caught.value)
