from __future__ import annotations

from pathlib import Path

from flowcore.scheduler.wake_graph import WAKES, Channel, RoutineName

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "wake-graph.md"


def test_every_routine_is_in_the_graph() -> None:
    assert set(WAKES) == set(RoutineName)


def test_nobody_waits_for_what_is_never_announced() -> None:
    queries = Path(__file__).parents[2] / "src" / "flowcore"
    sources = "".join(path.read_text() for path in queries.rglob("*.py"))
    awaited = {channel for channels in WAKES.values() for channel in channels}
    in_this_process = {Channel.EXECUTOR_REPORTS, Channel.CALLS_OVER}
    for channel in awaited - in_this_process:
        assert f"wake(connection, Channel.{channel.name})" in sources
    for channel in in_this_process:
        assert f"wakeups.set(Channel.{channel.name})" in sources


def test_the_documented_graph_names_every_channel() -> None:
    text = DOCS.read_text()
    assert [channel for channel in Channel if f"`{channel}`" not in text] == []
