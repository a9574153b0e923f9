"""Bodies read or written lately, with what they say, so that equal bytes are parsed once."""

import threading
from collections import OrderedDict
from typing import TypeVar

from contracts.values import Value

PARSED_MAX = 1024
V = TypeVar("V", bound=Value)


class Parsed:
    """Values beside their JSON; values are frozen, so equal bytes share one.   Thread-safe.

    Several services of one process, and several reads of one stream, ask for the same few facts;
    who writes one has it already.
    """

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[type[Value], bytes], Value] = OrderedDict()
        self._guard = threading.Lock()

    def read(self, cls: type[V], body: bytes) -> V:
        """Return the value of a body of today's version.   Raises: ValidationError."""
        with self._guard:
            found = self._values.get((cls, body))
        if isinstance(found, cls):
            return found
        read = cls.model_validate_json(body, extra="ignore")
        self.keep(read, body)
        return read

    def keep(self, value: Value, body: bytes) -> None:
        """Keep a value beside its body; the oldest goes."""
        with self._guard:
            self._values[type(value), body] = value
            while len(self._values) > PARSED_MAX:
                self._values.popitem(last=False)
