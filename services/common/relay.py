"""Brings the outbox to the broker: every row, in order per key, at least once, marked after the broker's ack."""

from services.common.settings import Settings


class Relay:
    """The relay of one schema. Several may run; one is active, the others wait for its lock."""

    def __init__(self, settings: Settings, schema: str) -> None:
        self._settings = settings
        self._schema = schema

    async def run(self) -> None:
        """Relay for ever; returns only by cancellation."""
        raise NotImplementedError
