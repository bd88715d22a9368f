from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of

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


def test_an_update_from_outside_is_an_event(flowcore: Flowcore) -> None:
    url = ("--database-url", "sqlite:///flow.db")
    written = flowcore("assets", "update", "--name", "orders", "--extra", '{"rows": 3}', *url)
    assert written.stdout == "event 2 of asset orders is written\n"
    events = json.loads(flowcore("assets", "events", "--name", "orders", *url, "-o", "json").stdout)
    assert [(one["source_task_id"], one["extra"]) for one in events] == [("fetch", {}), (None, {"rows": 3})]


def test_an_unknown_asset_is_refused_with_those_that_are_known(flowcore: Flowcore) -> None:
    url = ("--database-url", "sqlite:///flow.db")
    refused = flowcore("assets", "update", "--name", "absent", *url)
    assert "there is no asset 'absent'; known: orders" in error_of(refused)
    refused = flowcore("assets", "update", "--name", "orders", "--extra", "3", *url)
    assert "--extra must be a JSON object" in error_of(refused)


def test_a_check_finds_assets_that_do_not_fit_together(flowcore: Flowcore, folder: Path) -> None:
    url = ("--database-url", "sqlite:///flow.db")
    checked = flowcore("assets", "check", *url)
    assert (checked.exit_code, checked.stdout) == (0, "no cycles, and no asset is spelled in two ways\n")
    other = DAG_FILE.replace("s3://shop/orders", "s3://else").replace('DAG("load")', 'DAG("other")')
    (folder / "load.py").write_text(other)
    flowcore("run", "load.py", *url)
    checked = flowcore("assets", "check", *url)
    assert checked.exit_code == 1
    assert checked.stdout.startswith("the asset name 'orders' goes with several URIs")
