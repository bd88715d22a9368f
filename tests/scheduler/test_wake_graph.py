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
    for channel in awaited - {Channel.EXECUTOR_REPORTS}:
        assert f"wake(connection, Channel.{channel.name})" in sources


def test_the_documented_graph_names_every_channel() -> None:
    text = DOCS.read_text()
    assert [channel for channel in Channel if f"`{channel}`" not in text] == []
