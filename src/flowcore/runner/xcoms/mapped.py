"""What the instances of a mapped task pushed, as a sequence that is read when somebody looks into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk.comms.questions import BlocksLoop, Comms, Question, answered, ask
from flowcore.sdk.comms.xcom_messages import CountXComs, SliceXComs
from flowcore.sdk.mapping.lazy_sequences import LazySequence

#: How many values are read at once by who goes through all of them.
PAGE = 500


class MappedXComs(LazySequence):
    """By map index; of instances that succeeded and pushed something. Is not read again once it was.

    Functions read it while they use it. For a coroutine everything is read ahead with `load`.
    """

    def __init__(self, dag_run_id: int, task_id: str, key: str, *, comms: Comms, xcoms: TryXComs) -> None:
        self._name = dag_run_id, task_id, key
        self._comms, self._xcoms = comms, xcoms
        self._length: int | None = None
        self._values: dict[int, Any] = {}

    def __len__(self) -> int:
        if self._length is None:
            self._length = self._answered(self._count())
        return self._length

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), PAGE):
            yield from self[start : start + PAGE]

    def item(self, index: int) -> Any:
        if index not in self._values:
            self._answered(self._read(index, 1))
        return self._values[index]

    def load(self) -> Question[None]:
        """Read everything."""
        self._length = yield from self._count()
        yield from self._read(0, self._length)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            wanted = range(*index.indices(len(self)))
            first, last = min(wanted, default=0), max(wanted, default=-1)
            if any(number not in self._values for number in wanted):
                self._answered(self._read(first, last - first + 1))
        return super().__getitem__(index)

    def _has(self, number: int) -> bool:
        # Who wants one item need not ask how many there are.
        if number not in self._values and self._length is None:
            self._answered(self._read(number, 1))
        return number in self._values or super()._has(number)

    def _count(self) -> Question[int]:
        return (yield from ask(CountXComs(*self._name))).count

    def _read(self, start: int, limit: int) -> Question[None]:
        for first in range(start, start + limit, PAGE):
            found = yield from ask(SliceXComs(*self._name, first, min(PAGE, start + limit - first)))
            values = yield from self._xcoms.values([text for _, _, text in found.xcoms])
            self._values.update(enumerate(values, first))

    def _answered(self, question: Question[Any]) -> Any:
        try:
            return answered(question, self._comms)
        except BlocksLoop:
            raise BlocksLoop(
                f"results of mapped task {self._name[1]!r} were looked into on the event loop, which would"
                " block it; hand them to the coroutine as an argument, then they are read before"
            ) from None
