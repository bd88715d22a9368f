"""`TryEffects` as they are stored: a JSON document, NULL where there are none, as for nearly all tries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.domain.records import dump_record, load_record
from flowcore.domain.workloads import NO_EFFECTS, TryEffects


def dump_effects(effects: TryEffects) -> Mapping[str, Any] | None:
    """The document of some effects."""
    return None if effects is NO_EFFECTS else dump_record(effects) or None


def load_effects(document: Mapping[str, Any] | None) -> TryEffects:
    """The effects of a document."""
    return NO_EFFECTS if document is None else load_record(TryEffects, document)
