"""Put the lookup of connections and variables together: backends, chain, cache, database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from flowcore.abc import SecretsBackend
from flowcore.database.engine import Database
from flowcore.database.metadata_backend import MetadataBackend
from flowcore.database.sealing import Sealing
from flowcore.secrets.backends import make_backend
from flowcore.secrets.chain import Chain
from flowcore.secrets.encryption import Encryption
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.guard import Guard
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings

#: What backends may take to close their connections.
_CLOSE_S = 0.5


def configured_backends(settings: Settings) -> tuple[SecretsBackend, ...]:
    """Make the backend that the operator named, if any.

    Raises:
        SettingsError: there is no such backend, or it does not take its arguments.
    """
    if not settings.secrets_backend:
        return ()
    return (make_backend(settings.secrets_backend, settings.secrets_backend_kwargs),)


@asynccontextmanager
async def serve_secrets(
    database: Database, backends: Sequence[SecretsBackend], *, fernet_key: str
) -> AsyncIterator[Secrets]:
    """Look things up for the duration of the block: in `backends`, the environment, the database.

    Raises:
        SettingsError: `fernet_key` cannot be used.
    """
    metadata = MetadataBackend(database, Sealing(Encryption.from_setting(fernet_key)))
    chain = Chain([Guard(backend) for backend in (*backends, EnvironmentBackend(), metadata)])
    secrets = Secrets(chain, store=metadata, wakeups=database.wakeups)
    async with anyio.create_task_group() as nursery:
        await nursery.start(secrets.serve)
        try:
            yield secrets
        finally:
            nursery.cancel_scope.cancel()
            with anyio.move_on_after(_CLOSE_S, shield=True):
                await secrets.aclose()
