"""What tests share: the stack's settings, fresh databases, tokens, clients, topics, processes."""

from tests.support.waiting import eventually

__all__ = ["eventually"]
