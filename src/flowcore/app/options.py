"""`Options`: what an embedder can choose, and how it follows from an operator's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from flowcore.app.dag_folders import folder_settings
from flowcore.app.secrets import SecretsOptions
from flowcore.database.schema import DEFAULT_POOL_SLOTS
from flowcore.domain.run_types import RUN_ID_PATTERN
from flowcore.domain.try_settings import TrySettings
from flowcore.processor.service import FolderSettings
from flowcore.settings import ExecutorName, Settings


@attrs.frozen(kw_only=True)
class Options:
    """Keyword arguments of `open`, with their defaults.

    `executor` says where the tries of Dag files run; those of registered Dags run in this process.
    `parallelism` bounds the functions that run at once, `async_parallelism` the coroutines; durations are
    in seconds. Without `creates_dag_runs` no schedule is followed: only triggered runs are
    carried out. `default_pool_slots` is used when the database is created. With a `logs_folder` what tries
    log and print is written there, and `sys.stdout` and `sys.stderr` are exchanged meanwhile; without one it
    goes where the program's own output goes. `tries` are settings that travel to tasks. What a task keeps in
    its state store expires after `state_retention_s` if it does not say when; None: never. `dag_files` says
    how a Dag folder is looked after; without `reads_dag_files` another process does that.
    """

    executor: ExecutorName = ExecutorName.IN_PROCESS
    parallelism: int = 32
    async_parallelism: int = 1_000
    grace_s: float = 30.0
    lease_s: float = 15.0
    safety_poll_s: float = 5.0
    unhealthy_after_s: float = 60.0
    creates_dag_runs: bool = True
    default_pool_slots: int = DEFAULT_POOL_SLOTS
    paused_at_creation: bool = False
    run_id_pattern: str = RUN_ID_PATTERN
    pool_size: int = 8
    inline: bool = False
    secrets: SecretsOptions = attrs.field(factory=SecretsOptions)
    logs_folder: Path | None = None
    tries: TrySettings = TrySettings()
    state_retention_s: float | None = 30 * 86_400.0
    reads_dag_files: bool = True
    dag_files: FolderSettings = attrs.field(factory=FolderSettings)

    @classmethod
    def of(cls, settings: Settings, **others: Any) -> Options:
        """Take what an operator has set, and `others`, which are stronger."""
        options = cls(
            executor=settings.executor,
            parallelism=settings.parallelism,
            async_parallelism=settings.async_parallelism,
            grace_s=settings.grace_s,
            lease_s=settings.lease_s,
            safety_poll_s=settings.safety_poll_s,
            default_pool_slots=settings.default_pool_task_slot_count,
            paused_at_creation=settings.dags_are_paused_at_creation,
            run_id_pattern=settings.allowed_run_id_pattern,
            secrets=SecretsOptions.of(settings),
            logs_folder=settings.logs_folder,
            tries=try_settings(settings),
            state_retention_s=settings.task_state_retention_days * 86_400.0 or None,
            reads_dag_files=settings.dag_processor,
            dag_files=folder_settings(settings),
        )
        return attrs.evolve(options, **others)


def try_settings(settings: Settings) -> TrySettings:
    """What an operator has set for tries."""
    return TrySettings(
        allowed_deserialization_classes=settings.allowed_deserialization_classes,
        max_map_length=settings.max_map_length,
        max_templated_field_length=settings.max_templated_field_length,
        max_xcom_bytes=settings.max_xcom_bytes,
        xcom_backend=settings.xcom_backend,
        xcom_backend_kwargs=settings.xcom_backend_kwargs,
    )
