"""Where the keys for AWS come from: the options, or wherever Botocore finds them.

Botocore's own search (environment, profiles, web identity, containers, instance metadata) reads files
and asks services without an event loop, so it runs in a thread.
"""

from __future__ import annotations

import anyio
import botocore.session
from anyio import to_thread
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

from flowcore.errors import SecretsDenied


class AwsCredentials:
    """The keys of one backend; temporary ones are replaced by Botocore before they expire.

    Args:
        access_key, secret_key, session_token: As given by the operator, all None to search for them.
        profile_name: The profile to search in; else AWS_PROFILE, else the default one.

    Raises:
        ValueError: an access key without its secret key, or the profile does not exist.
    """

    def __init__(
        self,
        access_key: str | None,
        secret_key: str | None,
        *,
        session_token: str | None,
        profile_name: str | None,
    ) -> None:
        if bool(access_key) != bool(secret_key):
            raise ValueError("aws_access_key_id and aws_secret_access_key must be given together")
        self._session = botocore.session.Session(profile=profile_name)
        self._given = ReadOnlyCredentials(access_key, secret_key, session_token) if access_key else None
        self._lock = anyio.Lock()

    def region(self) -> str | None:
        """The region that the environment or the profile names.

        Raises:
            ValueError: the profile does not exist.
        """
        try:
            region: str | None = self._session.get_config_variable("region")
        except BotoCoreError as error:
            raise ValueError(f"profile_name or AWS's files cannot be used: {error}") from error
        return region

    async def keys(self, backend: str, key: str) -> ReadOnlyCredentials:
        """The keys to sign with, for a lookup of `key`.

        Raises:
            SecretsDenied: there are none to be found.
        """
        if self._given is not None:
            return self._given
        try:
            async with self._lock:  # Botocore searches once for each of those who ask at the same time
                found = await to_thread.run_sync(self._find, abandon_on_cancel=True)
        except BotoCoreError as error:
            reason = f"AWS credentials cannot be had ({type(error).__name__}); check the profile or role"
            raise SecretsDenied(backend, key, reason) from error
        if found is None:
            reason = "no AWS credentials found; give aws_access_key_id, a profile_name or the machine a role"
            raise SecretsDenied(backend, key, reason)
        return found

    def _find(self) -> ReadOnlyCredentials | None:
        credentials: Credentials | None = self._session.get_credentials()
        return None if credentials is None else credentials.get_frozen_credentials()
