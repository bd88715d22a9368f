from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore

DAG_FILE = """
from flowcore.sdk import DAG, Asset, task

orders = Asset("orders", "s3://shop/orders")

with DAG("load"):

    @task(outlets=[orders])
    def fetch():
        pass

    fetch()
"""


@pytest.fixture(autouse=True)
def _loaded(flowcore: Flowcore, folder: Path) -> None:
    (folder / "load.py").write_text(DAG_FILE)
    assert flowcore("run", "load.py", "--database-url", "sqlite:///flow.db").exit_code == 0


def test_assets_are_listed_with_their_last_update(flowcore: Flowcore) -> None:
    listed = flowcore("assets", "list", "--database-url", "sqlite:///flow.db", "-o", "json")
    [row] = json.loads(listed.stdout)
    assert (row["name"], row["uri"], row["is_active"]) == ("orders", "s3://shop/orders", True)
    assert row["last_event_at"] is not None
