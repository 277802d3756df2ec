"""What a state machine is here: a table of moves, and one function that walks it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias, TypeVar

from services.common.errors import StepOutOfOrder

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)
Machine: TypeAlias = Mapping[State, Mapping[Action, State]]


def move(machine: Machine[State, Action], state: State, action: Action) -> State:
    """The state after the action. StepOutOfOrder where the machine has no such move."""
    try:
        return machine[state][action]
    except KeyError:
        raise StepOutOfOrder(
            f"{_words(action)} is not possible while it is {_words(state)}",
            state=state.value,
            possible=[*sorted(each.value for each in machine[state])],
        ) from None


def _words(code: str) -> str:
    return code.replace("_", " ")
