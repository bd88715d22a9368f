"""Only what ends before a scheduler starts: one ends its whole process, see `tests/acceptance`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Flowcore, error_of


def test_a_scheduler_needs_a_dag_folder(flowcore: Flowcore, folder: Path) -> None:
    shown = error_of(flowcore("scheduler", "--dags-folder", "absent"))
    assert shown == (
        f"error: there is no Dag folder {folder}/absent; create it, or name another with --dags-folder"
    )


def test_a_grace_period_is_not_negative(flowcore: Flowcore) -> None:
    assert "grace_s" in error_of(flowcore("scheduler", "--grace", "-1"))
