"""What an operator has set for tries, wherever they run: travels to their processes."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class TrySettings:
    """Each field is the setting of that name; `settings/options.py` says what it means.

    But `has_listeners` says whether plug-ins bring listeners.
    """

    allowed_deserialization_classes: str = ""
    has_listeners: bool = False
    max_map_length: int = 1024
    max_templated_field_length: int = 4096
    max_xcom_bytes: int = 10_000_000
    xcom_backend: str = "database"
    xcom_backend_kwargs: str = attrs.field(default="{}", repr=False)
