from __future__ import annotations

import pytest

from flowcore.providers.standard.bash_sensor import BashSensor
from flowcore.sdk import DAG
from tests.support.dag_runs import run_task


class Sync(BashSensor):
    """Looks from a thread, as subclasses for Airflow do."""

    def execute(self, context):
        return super().execute(context)


@pytest.fixture(params=[BashSensor, Sync])
def sensor(request):
    def make(command, **arguments):
        with DAG("d") as dag:
            request.param("wait", bash_command=command, poke_interval=0.001, **arguments)
        return dag

    return make


async def test_command_is_run_until_it_succeeds(sensor, tmp_path):
    counting = f"echo x >> {tmp_path}/count; [ $(wc -l < {tmp_path}/count) = 3 ]"
    assert (await run_task(sensor(counting))).state == "success"


async def test_only_the_retry_exit_code_means_not_yet(sensor):
    ended = await run_task(sensor("exit 4", retry_exit_code=5))
    assert "failed with exit status 4; only 5 means: not yet" in ended.error
