"""`mask_secret`: hides a value that a task has come by in its own way."""

from __future__ import annotations

from typing import Any

from flowcore.domain.sensitive_names import is_sensitive, sensitive_values
from flowcore.sdk.comms.messages import MaskSecrets
from flowcore.sdk.comms.questions import comms
from flowcore.secrets.masking import PROCESS


def mask_secret(secret: Any, name: str | None = None) -> None:
    """Show `***` in place of a secret from now on, in logs, errors and rendered fields.

    What is looked up as a connection or variable needs no call of this.

    Args:
        secret: A text, or lists and dicts of texts, all of which are hidden.
        name: If given, and it is not called like a secret, only what stands under such a name is hidden.
    """
    found = tuple(sensitive_values(secret, inherited=name is None or is_sensitive(name)))
    PROCESS.add(found)
    comms().post(MaskSecrets(found))


async def amask_secret(secret: Any, name: str | None = None) -> None:
    """The same as `mask_secret` for coroutines. Neither waits for an answer."""
    mask_secret(secret, name)
