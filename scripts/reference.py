"""Print the reference pages that are derived from the source, so that they cannot disagree with it.

`python scripts/reference.py` rewrites them; `tests/repository/test_reference.py` says when that is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from flowcore.domain.states import DAG_RUN_TRANSITIONS, TASK_INSTANCE_TRANSITIONS
from flowcore.scheduler.wake_graph import WAKES

PAGES = Path(__file__).parents[1] / "docs" / "reference"


def states_page() -> str:
    """Both tables of legal transitions; printed from `domain/states.py`."""
    return "\n".join(
        [
            "# States",
            "",
            "Which state may follow which. A task instance without a state waits for its upstream tasks.",
            "Every write is checked against these tables.",
            "",
            "## Dag runs",
            "",
            *_table(("from", "to"), _rows(DAG_RUN_TRANSITIONS.items())),
            "",
            "## Task instances",
            "",
            *_table(("from", "to"), _rows(TASK_INSTANCE_TRANSITIONS.items())),
            "",
        ]
    )


def wake_graph_page() -> str:
    """Which routine waits for what; printed from `scheduler/wake_graph.py`."""
    return "\n".join(
        [
            "# Wake graph",
            "",
            "Which writes wake which routine. A wake-up is sent when the writing transaction commits; in",
            "one process it is a flag, across processes a PostgreSQL notification. A routine also wakes up",
            "for its own next deadline, and now and then for safety.",
            "",
            *_table(("routine", "is woken by"), _rows(WAKES.items())),
            "",
        ]
    )


def _rows(
    entries: Iterable[tuple[StrEnum | None, Iterable[StrEnum | None]]],
) -> Iterable[tuple[str, str]]:
    for key, values in entries:
        yield _name(key), ", ".join(sorted(_name(value) for value in values)) or "—"


def _name(member: StrEnum | None) -> str:
    return "(none)" if member is None else f"`{member}`"


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield f"| {heads[0]} | {heads[1]} |"
    yield "|---|---|"
    for left, right in rows:
        yield f"| {left} | {right} |"


DERIVED = {"states.md": states_page, "wake-graph.md": wake_graph_page}


def main() -> None:
    """Rewrite all derived pages."""
    for name, page in DERIVED.items():
        (PAGES / name).write_text(page())


if __name__ == "__main__":
    main()
