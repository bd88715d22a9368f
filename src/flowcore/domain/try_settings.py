"""What an operator has set for tries, wherever they run: travels to their processes."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class TrySettings:
    """Each field is the setting of that name; `settings/options.py` says what it means."""

    max_templated_field_length: int = 4096
