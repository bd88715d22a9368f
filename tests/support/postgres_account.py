"""Who runs a PostgreSQL server of our own: ourselves, but never root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TypedDict

import attrs


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@attrs.frozen
class Account:
    """An account to change to, or none where we may stay who we are."""

    ids: tuple[int, int] | None

    @property
    def is_another(self) -> bool:
        """True when it may not be able to enter folders of ours."""
        return self.ids is not None

    def identity(self) -> Identity:
        """What a subprocess needs in order to run as this account."""
        if self.ids is None:
            return {}
        return {"user": self.ids[0], "group": self.ids[1], "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make the folder this account's."""
        if self.ids is not None:
            os.chown(folder, *self.ids)


def server_account() -> Account:
    """Return `postgres`, or else `nobody`, when we are root."""
    if os.geteuid() != 0:
        return Account(ids=None)
    entries = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = entries.get("postgres") or entries["nobody"]
    return Account(ids=(entry.pw_uid, entry.pw_gid))
