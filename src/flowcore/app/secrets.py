"""Put the lookup of connections and variables together: backends, chain, cache, database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import attrs

from flowcore.abc import SecretsBackend, WatchedSecretsBackend
from flowcore.compat.airflow_modules import make_airflow_importable
from flowcore.database.engine import Database
from flowcore.database.metadata_backend import MetadataBackend
from flowcore.database.sealing import Sealing
from flowcore.secrets.backends import make_backend
from flowcore.secrets.chain import Chain
from flowcore.secrets.encryption import Encryption
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.guard import Guard, Limits
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings

#: What backends may take to close their connections.
_CLOSE_S = 0.5


@attrs.frozen(kw_only=True)
class SecretsOptions:
    """How connections and variables are looked up.

    `backends` are asked before the environment and the database, and are closed at the end; `fernet_key`
    encrypts what is secret in the database. `limits` is what each backend is granted; `ttl_s` is for how
    many seconds an answer is remembered.
    """

    backends: tuple[SecretsBackend, ...] = ()
    fernet_key: str = attrs.field(default="", repr=False)
    limits: Limits = attrs.field(factory=Limits)
    ttl_s: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> SecretsOptions:
        """Take what an operator has set.

        Raises:
            SettingsError: there is no such backend, or it does not take its arguments.
        """
        return cls(
            backends=_configured_backends(settings),
            fernet_key=settings.fernet_key,
            limits=Limits(
                deadline_s=settings.secrets_timeout_s,
                calls_max=settings.secrets_calls,
                failures_max=settings.secrets_failures,
                pause_s=settings.secrets_pause_s,
            ),
            ttl_s=settings.secrets_ttl_s,
        )


def _configured_backends(settings: Settings) -> tuple[SecretsBackend, ...]:
    if not settings.secrets_backend:
        return ()
    make_airflow_importable()  # classes that were written for Airflow inherit from its own
    return (make_backend(settings.secrets_backend, settings.secrets_backend_kwargs),)


@asynccontextmanager
async def serve_secrets(database: Database, options: SecretsOptions | None = None) -> AsyncIterator[Secrets]:
    """Look things up for the duration of the block: in the backends, the environment, the database.

    Raises:
        SettingsError: the key cannot be used.
    """
    options = options or SecretsOptions()
    metadata = MetadataBackend(database, Sealing(Encryption.from_setting(options.fernet_key)))
    backends = (*options.backends, EnvironmentBackend(), metadata)
    chain = Chain([Guard(backend, options.limits) for backend in backends])
    watched = [backend for backend in backends if isinstance(backend, WatchedSecretsBackend)]
    secrets = Secrets(chain, store=metadata, wakeups=database.wakeups, watched=watched, ttl_s=options.ttl_s)
    async with anyio.create_task_group() as nursery:
        await nursery.start(secrets.serve)
        try:
            yield secrets
        finally:
            nursery.cancel_scope.cancel()
            with anyio.move_on_after(_CLOSE_S, shield=True):
                await secrets.aclose()
