"""Signed requests to AWS's JSON services, and what their errors mean.

Botocore signs (Signature Version 4); httpx sends, so that a lookup waits on the event loop.
`aws_secrets_manager.py` and `aws_parameter_store.py` say what to ask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from flowcore.errors import SecretsError
from flowcore.secrets.remote.aws_credentials import AwsCredentials
from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_answers import Answer
from flowcore.secrets.remote.http_options import service_url

_BUSY = frozenset(
    {
        "InternalServiceError",
        "InternalServerError",
        "InternalFailure",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class AwsRequests:
    """Calls of one AWS service in one region.

    Args:
        backend: The backend's name, for errors.
        service: The name that the service has in signatures and in its host's name.
        aws_access_key_id, aws_secret_access_key, aws_session_token, profile_name: See `AwsCredentials`.
        region_name: Else the region of the environment or the profile.
        endpoint_url: Where the service is, if it is not AWS's own.
        verify: False not to check certificates, or a file of authorities.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    def __init__(
        self,
        backend: str,
        service: str,
        *,
        region_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        verify: bool | str | None = None,
    ) -> None:
        self._credentials = AwsCredentials(
            aws_access_key_id,
            aws_secret_access_key,
            session_token=aws_session_token,
            profile_name=profile_name,
        )
        self._service, region = service, region_name or self._credentials.region()
        if not region:
            raise ValueError("region_name is missing; give it, or set AWS_DEFAULT_REGION")
        self._region = region
        self._url = service_url("endpoint_url", endpoint_url or _endpoint(service, region)) + "/"
        self.calls = HttpCalls(backend, verify=True if verify is None else verify, is_busy=_is_busy)

    async def call(
        self, target: str, body: Mapping[str, Any], *, misses: frozenset[str], key: str
    ) -> dict[str, Any] | None:
        """Call an operation; None when it fails with an error whose code is one of `misses`.

        Raises:
            SecretsDenied: AWS refuses the credentials or what they ask for.
            SecretsError: there was no answer to be had.
        """
        answer = await self.calls.send(await self._signed(target, json.dumps(body).encode(), key), key)
        code = _code(answer)
        if answer.status == 200 or code is None:
            return self.calls.document(answer, key)
        if code in misses:
            return None
        if code in _DENIED:
            raise self.calls.denied(key, f"access denied ({code})")
        raise SecretsError(self.calls.backend, key, f"AWS answers {code}; see AWS's documentation of it")

    async def _signed(self, target: str, body: bytes, key: str) -> httpx.Request:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        signed = AWSRequest("POST", self._url, headers=headers, data=body)
        keys = await self._credentials.keys(self.calls.backend, key)
        SigV4Auth(keys, self._service, self._region).add_auth(signed)
        return httpx.Request("POST", self._url, headers=dict(signed.headers.items()), content=body)


def _endpoint(service: str, region: str) -> str:
    # A region becomes part of a host's name, so it must not be able to name another host.
    if not re.fullmatch(r"[a-z0-9-]+", region):
        raise ValueError("region_name is no region like eu-west-1")
    return f"https://{service}.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


def _code(answer: Answer) -> str | None:
    # The code is shown to people; it is a word, perhaps behind a namespace.
    document = None if answer.status == 200 else answer.document()
    match = re.fullmatch(r"(?:.*#)?(\w{1,100})(?::.*)?", str((document or {}).get("__type")))
    return match[1] if match and document and "__type" in document else None


def _is_busy(answer: Answer) -> bool:
    return answer.is_busy or _code(answer) in _BUSY
