"""Read and write state that tasks keep beyond their tries: of a task instance, or of an asset.

Only the current try of a task instance writes; what it is, is looked up in the transaction that writes.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.upserts import put_rows
from flowcore.database.tables import asset, asset_state_store, task_instance, task_state_store
from flowcore.database.types import database_now
from flowcore.domain.state_owners import StateOwner
from flowcore.domain.workloads import Workload
from flowcore.errors import UsageError

_t, _task, _asset = task_instance.c, task_state_store.c, asset_state_store.c
_IS_CURRENT = sa.select(sa.true()).where(
    _t.id == sa.bindparam("id", type_=sa.BigInteger), _t.token == sa.bindparam("token", type_=sa.BigInteger)
)
#: Nothing that has expired is seen, whether or not it was cleaned up already.
_is_kept = sa.or_(_task.expires_at.is_(None), _task.expires_at > database_now())
_NOW = sa.select(database_now())


def get_state(connection: sa.Connection, asker: Workload, key: str, owner: StateOwner) -> str | None:
    """The JSON text of a key; None if there is none.

    Raises:
        UsageError: no Dag has such an asset.
    """
    if owner.is_asset:
        of_asset = _asset.asset_id == _asset_id(connection, owner)
        return connection.scalar(sa.select(_asset.value).where(of_asset, _asset.key == key))
    of_task = _task.task_instance_id == asker.task_instance_id
    return connection.scalar(sa.select(_task.value).where(of_task, _task.key == key, _is_kept))


def set_state(
    connection: sa.Connection,
    *,
    asker: Workload,
    key: str,
    text: str,
    owner: StateOwner,
    kept_s: float | None,
) -> None:
    """Write a key over what is there; `kept_s` seconds of a task instance's state, None for ever.

    Raises:
        UsageError: the asker is not the current try any more, or no Dag has such an asset.
    """
    _refuse_old_tries(connection, asker)
    row: dict[str, Any] = {"key": key, "value": text, "updated_at": connection.scalar(_NOW)}
    if owner.is_asset:
        put_rows(connection, asset_state_store, [{"asset_id": _asset_id(connection, owner), **row}])
        return
    expires = None if kept_s is None else connection.scalar(sa.select(database_now(kept_s)))
    put_rows(
        connection,
        task_state_store,
        [{"task_instance_id": asker.task_instance_id, **row, "expires_at": expires}],
    )


def delete_state(connection: sa.Connection, *, asker: Workload, key: str | None, owner: StateOwner) -> None:
    """Delete a key, or all of them; there need not be any.

    Raises:
        UsageError: as `set_state`.
    """
    _refuse_old_tries(connection, asker)
    if owner.is_asset:
        statement = asset_state_store.delete().where(_asset.asset_id == _asset_id(connection, owner))
    else:
        statement = task_state_store.delete().where(_task.task_instance_id == asker.task_instance_id)
    names = statement.table.c.key
    connection.execute(statement if key is None else statement.where(names == key))


def _refuse_old_tries(connection: sa.Connection, asker: Workload) -> None:
    if connection.scalar(_IS_CURRENT, {"id": asker.task_instance_id, "token": asker.token}) is None:
        raise UsageError(
            f"{asker} is not the current try any more, and the state is that of a later one; it is kept"
        )


def _asset_id(connection: sa.Connection, owner: StateOwner) -> int:
    query = sa.select(asset.c.id).order_by(asset.c.id.desc()).limit(1)
    for column, wanted in ((asset.c.name, owner.asset_name), (asset.c.uri, owner.asset_uri)):
        if wanted is not None:
            query = query.where(column == wanted)
    found: int | None = connection.scalar(query)
    if found is None:
        name = owner.asset_name or owner.asset_uri
        raise UsageError(
            f"no Dag has an asset {name!r}; name one that a task has among its inlets or outlets"
        )
    return found
