"""Asset expressions as JSON documents and back.

An asset is `{"asset": {"name": ..., "uri": ...}}`, an alias `{"alias": {"name": ...}}`, a reference
`{"ref": {"name": ...}}`; `{"all": [...]}` and `{"any": [...]}` hold others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.domain.assets import Asset, AssetAlias, AssetAll, AssetAny, AssetExpression, AssetRef


def dump_asset(expression: AssetExpression) -> dict[str, Any]:
    """The document of an expression."""
    match expression:
        case Asset(name=name, uri=uri, group=group, extra=extra):
            more = {"extra": dict(extra)} if extra else {}
            return {"asset": {"name": name, "uri": uri, "group": group, **more}}
        case AssetAlias(name=name, group=group):
            return {"alias": {"name": name, "group": group} if group else {"name": name}}
        case AssetRef(name=name, uri=uri):
            return {"ref": {"uri": uri} if name is None else {"name": name}}
        case AssetAll(items=items):
            return {"all": [dump_asset(item) for item in items]}
        case AssetAny(items=items):
            return {"any": [dump_asset(item) for item in items]}
    raise TypeError(f"{expression!r} is no asset")


def load_asset(document: Mapping[str, Any]) -> AssetExpression:
    """The expression that `dump_asset` made the document of.

    Raises:
        KeyError, TypeError, ValueError: it is malformed.
    """
    [(kind, body)] = document.items()
    match kind:
        case "asset":
            return Asset(**body)
        case "alias":
            return AssetAlias(**body)
        case "ref":
            return AssetRef(**body)
        case "all":
            return AssetAll(*map(load_asset, body))
        case "any":
            return AssetAny(*map(load_asset, body))
    raise ValueError(f"{kind!r} is no kind of asset")
