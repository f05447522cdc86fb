"""A bounded, thread-safe cache keyed by text."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Callable, Generic, TypeVar

ValueT = TypeVar("ValueT")


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf8", "surrogatepass"), digest_size=16).digest()


class TextCache(Generic[ValueT]):
    """The values of the last `size` different texts; holds digests, never a text or a Doc."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._values: OrderedDict[bytes, ValueT] = OrderedDict()
        self._lock = threading.Lock()

    def compute(self, texts: Sequence[str], function: Callable[[list[str]], Sequence[ValueT]]) -> list[ValueT]:
        """Return a value for every text, calling `function` once with the distinct texts that are not in the cache."""
        keys = [_digest(text) for text in texts]
        found: dict[bytes, ValueT] = {}
        missing: dict[bytes, str] = {}
        with self._lock:
            for key, text in zip(keys, texts):
                if key in self._values:
                    self._values.move_to_end(key)
                    found[key] = self._values[key]
                else:
                    missing[key] = text
        if missing:
            found.update(zip(missing, function(list(missing.values()))))
            with self._lock:
                for key in missing:
                    self._values[key] = found[key]
                while len(self._values) > self.size:
                    self._values.popitem(last=False)
        return [found[key] for key in keys]

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)

    # A lock cannot be pickled, and a cache need not travel: a worker starts with an empty one.
    def __reduce__(self) -> tuple[type, tuple[int]]:
        return (type(self), (self.size,))
