"""Requests per person: a token bucket each, so that a hospital behind one address is never locked out."""

import math
import time
from collections import OrderedDict
from uuid import UUID

from services.common.errors import TooManyRequests

_MOST_PERSONS = 20_000


class Limiter:
    """`burst` requests at once, refilled by `per_second`; the least recently seen persons are forgotten."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def take(self, person_id: UUID) -> None:
        """Count one request. TooManyRequests says after how many seconds the next one is welcome."""
        now = time.monotonic()
        level, at = self._buckets.pop(person_id, (float(self._burst), now))
        level = min(self._burst, level + (now - at) * self._per_second)
        self._buckets[person_id] = (max(level - 1, 0) if level >= 1 else level, now)
        if len(self._buckets) > _MOST_PERSONS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise TooManyRequests(retry_after=math.ceil((1 - level) / self._per_second))
