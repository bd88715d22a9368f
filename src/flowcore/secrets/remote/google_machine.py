"""Access tokens from the metadata server that machines and pods on Google Cloud have, without any key."""

from __future__ import annotations

import os
from urllib.parse import urlencode

import attrs

from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_oauth import ask_machine
from flowcore.secrets.remote.http_tokens import Token

_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"


@attrs.frozen
class MachineTokens:
    """Gets access tokens of the service account that the machine or the pod runs as."""

    calls: HttpCalls
    scopes: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        """Ask the metadata server for a token; it keeps and replaces them itself.

        Raises:
            SecretsError: there is no such server, or it has no account.
        """
        host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
        url = f"http://{host}{_PATH}?{urlencode({'scopes': self.scopes})}"
        headers = {"Metadata-Flavor": "Google"}
        return await ask_machine(self.calls, url, headers, issuer="Google's metadata server", key=key)
