"""The fields of a cron expression, spelled out as lists of numbers.

`*/2`, `FRI-MON`, `50-10`, `5/15`, names of months and weekdays, 7 for Sunday and `?` in a day field
all become plain numbers; only `*` stays, as it says that the field restricts nothing. `L` (the last
day) and, for weekdays, `5L` or `L5` (the last Friday) and `5#2` (the second Friday) are left to cronsim.
"""

from __future__ import annotations

import attrs

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@attrs.frozen
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    specials: str = ""
    wildcards: str = "*"
    modulus: int = 60


_HOUR = _Field("hour", 0, 23)
_FIELDS = (
    _Field("minute", 0, 59),
    _HOUR,
    _Field("day of the month", 1, 31, specials="L", wildcards="*?"),
    _Field("month", 1, 12, names=_MONTHS),
    _Field("day of the week", 0, 7, names=_WEEKDAYS, specials="L#", wildcards="*?", modulus=7),
    _Field("second", 0, 59),
)


def spell_out(expression: str) -> list[str]:
    """The six fields, seconds last, of an expression of five or six; a `ValueError` if it is wrong."""
    texts = expression.upper().split()
    if len(texts) == len(_FIELDS) - 1:
        texts.append("0")
    if len(texts) != len(_FIELDS):
        raise ValueError(f"it has {len(texts)} fields")
    return [_spell_out_field(field, text) for field, text in zip(_FIELDS, texts, strict=True)]


def _spell_out_field(field: _Field, text: str) -> str:
    if text in field.wildcards:
        return "*"
    return ",".join(_spell_out_item(field, item) for item in text.split(","))


def _spell_out_item(field: _Field, item: str) -> str:
    if any(special in item for special in field.specials):
        return f"{item[1:]}L" if item[0] == "L" and item[1:].isdigit() else item
    base, slash, step = item.partition("/")
    numbers = _range_of(field, base, open_ended=bool(slash))
    return ",".join(str(number) for number in numbers[:: _step(step) if slash else 1])


def _range_of(field: _Field, base: str, *, open_ended: bool) -> list[int]:
    """The numbers of `*`, `a`, `a-b` or, when the range wraps, from `a` over the highest to `b`."""
    first, dash, last = base.partition("-")
    if first == "*" and not dash:
        low, high = field.lowest, field.highest
    else:
        low = _number(field, first)
        high = _number(field, last) if dash else field.highest if open_ended else low
    numbers = (
        [*range(low, high + 1)]
        if low <= high
        else [*range(low, field.highest + 1), *range(field.lowest, high + 1)]
    )
    # Sunday is both 0 and 7 and counts once.
    return list(dict.fromkeys(number % field.modulus for number in numbers))


def _number(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.lowest
    if not text.isdecimal() or not field.lowest <= int(text) <= field.highest:
        raise ValueError(f"{text!r} is no {field.name} ({field.lowest} to {field.highest})")
    return int(text)


def _step(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{text!r} is no step")
    return int(text)


#: The hour field of an expression that fires in every hour of its days.
EVERY_HOUR = frozenset({"*", _spell_out_field(_HOUR, "0-23")})
