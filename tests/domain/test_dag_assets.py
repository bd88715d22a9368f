from __future__ import annotations

from flowcore.domain.asset_documents import dump_asset
from flowcore.domain.assets import Asset
from flowcore.domain.dag_assets import DagAssets, waits_for
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from tests.support.scheduling import single

ORDERS, STOCK = Asset("orders"), Asset("stock")
WAITING = AssetTriggeredTimetable(ORDERS | STOCK).serialize()


def test_a_dag_waits_for_its_schedule_and_updates_its_outlets():
    dag = single("load", timetable=WAITING, every={"outlets": (dump_asset(STOCK),)})
    assert DagAssets.of(dag) == DagAssets("load", ORDERS | STOCK, [STOCK])


def test_a_dag_that_allows_no_such_runs_waits_for_nothing():
    assert waits_for(single(timetable=WAITING, allowed_run_types=("manual",))) is None
    assert waits_for(single()) is None
