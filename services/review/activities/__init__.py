"""What workflows ask review to do."""

from collections.abc import Callable
from typing import Any

from services.common.run import Worker
from services.review.activities import rounds, tasks


def build(worker: Worker) -> list[Callable[..., Any]]:
    return [*tasks.build(worker), *rounds.build(worker)]
