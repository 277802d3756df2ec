"""States of a message, when it is tried again, and to whom nothing goes outside production."""

from datetime import timedelta

import pytest

from services.common.errors import StepOutOfOrder
from services.notify.domain import MOST_ATTEMPTS, Action, State, move, pause_before, withheld_because


def test_a_sent_message_never_moves_again() -> None:
    for state in (State.SENT, State.FAILED, State.WITHHELD):
        for action in Action:
            with pytest.raises(StepOutOfOrder):
                move(state, action)


def test_the_way_of_a_message() -> None:
    assert move(State.UNADDRESSED, Action.ADDRESS) is State.QUEUED
    assert move(State.UNADDRESSED, Action.WITHHOLD) is State.WITHHELD
    assert move(State.QUEUED, Action.CLAIM) is State.SENDING
    assert move(State.SENDING, Action.RETRY) is State.QUEUED
    assert move(State.SENDING, Action.DELIVER) is State.SENT


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause_before(attempt) for attempt in range(2, MOST_ATTEMPTS + 1)]
    assert pauses[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=30)
    assert timedelta(hours=3) < sum(pauses, timedelta()) < timedelta(hours=3, minutes=30)


@pytest.mark.parametrize("address", ["a@helse.no", "a@test", "a@x.test.no", "a@.test.example"])
def test_outside_production_only_test_addresses_get_mail(address: str) -> None:
    assert withheld_because(address, "development") == "not_a_test_address"
    assert withheld_because(address, "production") is None


def test_test_addresses_get_mail_everywhere() -> None:
    for environment in ("development", "production"):
        assert withheld_because("a@stolav.test", environment) is None
        assert withheld_because("A@STOLAV.TEST", environment) is None
