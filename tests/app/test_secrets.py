from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from cryptography.fernet import Fernet

import flowcore
from flowcore.abc import SecretsBackend
from flowcore.app.options import Options
from flowcore.app.secrets import SecretsOptions
from flowcore.database.engine import open_database
from flowcore.database.metadata_backend import MetadataBackend
from flowcore.database.queries.listing_runs import ListedTaskInstance, list_task_instances
from flowcore.database.sealing import Sealing
from flowcore.errors import SecretsUnavailable, SettingsError
from flowcore.sdk import DAG, BaseHook, Connection, Variable, task
from flowcore.secrets.encryption import Encryption
from flowcore.secrets.guard import Limits
from flowcore.secrets.service import CHANNEL
from flowcore.settings import Settings
from tests.support.planted_secrets import find_planted, plant
from tests.support.secret_backends import KeptBackend

PLANTED = plant()


@task
def use_in_a_function() -> list[object]:
    Variable.set("a.sizes", [1, 2], serialize_json=True)
    Variable.set("token", PLANTED)
    sizes = Variable.get("a.sizes", deserialize_json=True)
    return [sizes, BaseHook.get_connection("db").host, Variable.keys("a."), len(Variable.get("token"))]


@task
async def use_in_a_coroutine() -> list[object]:
    await Variable.aset("colour", "green")
    return [await Variable.aget("colour"), (await Connection.aget("db")).login]


@task
async def fail_with_a_secret() -> None:
    raise ValueError(f"cannot log in: {(await Connection.aget('db')).get_uri()}")


@task
def push_a_secret() -> dict[str, object]:
    return {"uri": Connection.get("db").get_uri()}


@task(templates_dict={"uri": "{{ conn.db.get_uri() }}"})
def say_a_secret(templates_dict: dict[str, str] | None = None) -> None:
    assert templates_dict is not None
    assert PLANTED in templates_dict["uri"]
    print(templates_dict)
    print(f"cannot reach {templates_dict['uri']}", file=sys.stderr)


@task
async def need_what_is_away() -> None:
    await Variable.aget("away")


@task
async def need_nothing() -> None:
    """Ends at once."""


def dag_of(*functions) -> DAG:
    with DAG("secrets") as dag:
        for function in functions:
            function()
    return dag


async def run_dag(
    dag: DAG, *backends: SecretsBackend, url: str = "sqlite://", logs_folder: Path | None = None
) -> dict[str, tuple[ListedTaskInstance, object]]:
    """Run the Dag to its end; each task's instance and XCom by its id."""
    secrets = SecretsOptions(backends=backends, fernet_key=Fernet.generate_key().decode())
    options = Options(secrets=secrets, logs_folder=logs_folder)
    async with flowcore.open(url, dags=[dag], options=options) as fc:
        run = await fc.trigger("secrets")
        await run.wait()
        listed = await fc.database.read(partial(list_task_instances, dag_id="secrets", run_id=run.run_id))
        return {item.task_id: (item, await run.xcom(item.task_id)) for item in listed}


def backend() -> KeptBackend:
    return KeptBackend("vault", connections={"db": f"postgres://me:{PLANTED}@host/db"})


async def test_tasks_find_what_operators_keep() -> None:
    kept = backend()
    ended = await run_dag(dag_of(use_in_a_function, use_in_a_coroutine), kept)
    assert ended["use_in_a_function"][1] == [[1, 2], "host", ["a.sizes"], len(PLANTED)]
    assert ended["use_in_a_coroutine"][1] == ["green", "me"]
    assert kept.is_closed


async def test_no_secret_reaches_logs_rows_or_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        ended = await run_dag(
            dag_of(use_in_a_function, fail_with_a_secret, push_a_secret, say_a_secret),
            backend(),
            url=f"sqlite:///{tmp_path / 'flow.db'}",
            logs_folder=tmp_path / "logs",
        )
    failure, _ = ended["fail_with_a_secret"]
    assert failure.error is not None
    assert failure.error.endswith("ValueError: cannot log in: postgres://me:***@host/db")
    refused, _ = ended["push_a_secret"]
    assert refused.error is not None
    assert "cannot push XCom 'uri': a secret is in it" in refused.error
    assert ended["say_a_secret"][0].state == "success"
    [log] = [path async for path in anyio.Path(tmp_path).rglob("task_id=say_a_secret/**/*.log")]
    assert (await log.read_text()).count("postgres://me:***@host/db") == 2
    assert PLANTED not in caplog.text + "".join(capfd.readouterr())
    assert find_planted(tmp_path) == []


async def test_a_backend_that_is_away_fails_only_the_task_that_needs_it() -> None:
    away = KeptBackend("vault", error=OSError("planted"))
    ended = await run_dag(dag_of(need_what_is_away, need_nothing), away)
    failure, _ = ended["need_what_is_away"]
    assert failure.error is not None
    assert "secrets backend 'vault' cannot look up 'away': it raised OSError" in failure.error
    assert ended["need_nothing"][0].state == "success"


async def test_the_embedder_finds_what_tasks_find_and_sees_how_the_backends_do() -> None:
    options = Options(secrets=SecretsOptions(backends=(backend(),)))
    async with flowcore.open("sqlite://", options=options) as fc:
        assert (await fc.secrets.connection("db")).host == "host"
        statistics = fc.statistics().secrets
    assert [guard.name for guard in statistics.backends] == ["vault", "environment", "database"]
    assert (statistics.cache.lookups, statistics.backends[0].calls) == (1, 1)


async def test_another_process_sees_a_write_as_soon_as_it_hears_of_it(postgres_url: str) -> None:
    async with (
        flowcore.open(postgres_url) as one,
        flowcore.open(postgres_url) as other,
    ):
        await one.secrets.set_variable("colour", "green")
        assert await other.secrets.variable("colour") == "green"
        await one.secrets.set_variable("colour", "blue")
        with anyio.fail_after(30):
            seen = 0
            while await other.secrets.variable("colour") != "blue":
                seen = await other.database.wakeups.after(CHANNEL, seen)
                await anyio.wait_all_tasks_blocked()  # the cache forgets what it had


async def test_on_sqlite_a_write_of_a_command_is_seen_as_soon_as_it_is_heard_of(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'flow.db'}"
    async with flowcore.open(url) as fc, open_database(url) as command:
        await fc.secrets.set_variable("colour", "green")
        assert await fc.secrets.variable("colour") == "green"
        seen = fc.database.wakeups.version(CHANNEL)
        await MetadataBackend(command, Sealing(Encryption([]))).set_variable("colour", "blue", None)
        await fc.database.wakeups.after(CHANNEL, seen, timeout_s=30)
        await anyio.wait_all_tasks_blocked()
        assert await fc.secrets.variable("colour") == "blue"


def test_the_configured_backend_is_made() -> None:
    assert SecretsOptions.of(Settings()) == SecretsOptions()
    [made] = SecretsOptions.of(Settings(secrets_backend="environment")).backends
    assert made.name == "environment"
    with pytest.raises(SettingsError, match="secrets backend 'envronment' cannot be imported"):
        SecretsOptions.of(Settings(secrets_backend="envronment"))


async def test_a_malformed_key_is_told_when_flowcore_is_opened() -> None:
    with pytest.raises(SettingsError, match="malformed key"):
        async with flowcore.open("sqlite://", options=Options(secrets=SecretsOptions(fernet_key="planted"))):
            pass


def test_what_a_backend_is_granted_can_be_set() -> None:
    settings = Settings(
        secrets_timeout_s=1, secrets_calls=2, secrets_failures=3, secrets_pause_s=4, secrets_ttl_s=5
    )
    options = SecretsOptions.of(settings)
    assert options.limits == Limits(deadline_s=1, calls_max=2, failures_max=3, pause_s=4)
    assert options.ttl_s == 5


async def test_limits_hold_for_the_backends() -> None:
    away = KeptBackend("vault", error=OSError("planted"))
    secrets = SecretsOptions(backends=(away,), limits=Limits(failures_max=1))
    async with flowcore.open("sqlite://", options=Options(secrets=secrets)) as fc:
        for _ in range(3):
            with pytest.raises(SecretsUnavailable):
                await fc.secrets.variable("colour")
    assert len(away.calls) == 1
