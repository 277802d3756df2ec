"""A round finds its own next step, whatever order people and workflows act in, and always comes to rest."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.domain.panels import Member, Quorum, acting_chair, impartial, move
from services.review.domain.rounds import Participant, Standing, next_step

QUORUM = Quorum(members=2, user_representatives=1)
CASES = [UUID(int=n) for n in (101, 102)]
PEOPLE = [UUID(int=n) for n in range(1, 5)]
STANDINS = [UUID(int=n) for n in range(11, 17)]


class Game:
    """A round in memory: what the commands write to tables, in one dataclass."""

    def __init__(self) -> None:
        members = [
            Participant(PEOPLE[0], chair=True),
            Participant(PEOPLE[1]),
            Participant(PEOPLE[2]),
            Participant(PEOPLE[3], user_representative=True),
        ]
        self.at = Standing(state="declaring", members=tuple(members), cases=frozenset(CASES))
        self.log: list[str] = []
        self.rest()

    def put(self, **changes: Any) -> None:
        self.at = replace(self.at, **changes)

    def each(self, **changes: Any) -> None:
        """Change the members; a value is a function of the member."""
        self.put(
            members=tuple(
                replace(m, **{name: change(m) for name, change in changes.items()}) for m in self.at.members
            )
        )

    def rest(self) -> None:
        """Take steps until none is due, as `advance` does."""
        for _ in range(200):
            step = next_step(self.at, QUORUM)
            if step is None:
                return
            self.log.append(step)
            getattr(self, step)()
        raise AssertionError(f"the round never comes to rest: {self.log[-6:]}")

    def ask_declarations(self) -> None:
        self.each(declaring=lambda m: m.declaring or bool(self.at.owes_declaration(m)))

    def end_declarations(self) -> None:
        self.each(declaring=lambda m: m.declaring and bool(self.at.owes_declaration(m)))

    def settle(self) -> None:
        assert self.at.has_quorum(QUORUM)
        self.put(state=move(self.at.state, "settle"))

    def lose_quorum(self) -> None:
        assert not self.at.has_quorum(QUORUM)
        self.put(state=move(self.at.state, "lose_quorum"))

    def assign(self) -> None:
        new = self.at.unassigned()
        assert not set(new) & self.at.conflicts
        self.put(assigned=self.at.assigned | set(new))

    def choose_leads(self) -> None:
        leads = dict(self.at.leads)
        for case in self.at.without_lead():
            leads[case] = next(person for c, person in sorted(self.at.assigned) if c == case)
        self.put(leads=leads)

    def end_judging(self) -> None:
        self.each(judging=lambda m: m.judging and bool(self.at.duties(m)))

    def unlock(self) -> None:
        self.each(locked=lambda m: m.locked and not self.at.unscored(m))

    def ask_judging(self) -> None:
        self.each(judging=lambda m: m.judging or (bool(self.at.duties(m)) and not m.locked))

    def reopen(self) -> None:
        self.put(state=move(self.at.state, "reopen"), placed=frozenset(), led_by=None)

    def ask_standins(self) -> None:
        self.put(standins_wanted=True)

    def drop_standins(self) -> None:
        self.put(standins_wanted=False)

    def regain_quorum(self) -> None:
        self.put(state=move(self.at.state, "regain_quorum"))

    def complete(self) -> None:
        assert all(m.locked for m in self.at.members if self.at.duties(m))
        assert self.at.has_quorum(QUORUM)
        self.put(state=move(self.at.state, "complete"))

    def call_meeting(self) -> None:
        self.lead()

    def lead(self) -> None:
        leader = acting_chair(self.at.members, self.at.cases, self.at.conflicts)
        assert leader is not None
        self.put(led_by=leader)

    def meet_without_cases(self) -> None:
        self.put(state=move(self.at.state, "meet"), led_by=None)

    def ask_signature(self) -> None:
        self.lead()

    def sign_without_cases(self) -> None:
        self.put(state=move(self.at.state, "sign"), led_by=None)

    # What people and workflows do; each does nothing where it is not their turn.

    def declare(self, n: int, conflict_in: int) -> None:
        member = self.at.members[n % len(self.at.members)]
        owed = self.at.owes_declaration(member)
        if self.at.state not in ("declaring", "assessing", "scored", "met") or not owed:
            return
        new = {
            (case, member.person_id) for k, case in enumerate(CASES) if case in owed and conflict_in >> k & 1
        }
        self.put(
            declared=self.at.declared | {(case, member.person_id) for case in owed},
            conflicts=self.at.conflicts | new,
        )

    def discover(self, n: int, k: int) -> None:
        """A conflict declared later."""
        member, case = self.at.members[n % len(self.at.members)], CASES[k % 2]
        if self.at.state == "signed" or (case, member.person_id) not in self.at.declared:
            return
        pair = (case, member.person_id)
        self.put(
            conflicts=self.at.conflicts | {pair},
            assigned=self.at.assigned - {pair},
            scored=self.at.scored - {pair},
        )
        if self.at.state in ("scored", "met"):
            self.reopen()

    def name_standins(self) -> None:
        present = {m.person_id for m in self.at.members}
        fresh = [each for each in STANDINS if each not in present][:2]
        if not (self.at.standins_wanted or self.at.state == "short") or len(fresh) < 2:
            return
        assert not self.at.has_quorum(QUORUM), "somebody unneeded is named"
        added = (Participant(fresh[0]), Participant(fresh[1], user_representative=True))
        self.put(members=self.at.members + added, standins_wanted=False)
        if self.at.state == "short":
            self.put(state=move("short", "name_standins"))

    def order_assign(self) -> None:
        if self.at.state == "settled":
            self.put(state=move("settled", "assign"))

    def score_and_lock(self, n: int) -> None:
        member = self.at.members[n % len(self.at.members)]
        if self.at.state != "assessing" or not member.judging:
            return
        duties = {(case, member.person_id) for case in self.at.duties(member)}
        self.put(scored=self.at.scored | duties)
        self.each(
            judging=lambda m: m.judging and m.person_id != member.person_id,
            locked=lambda m: m.locked or m.person_id == member.person_id,
        )

    def hold_meeting(self) -> None:
        if self.at.state == "scored" and self.at.led_by:
            self.put(state=move("scored", "meet"), placed=self.at.cases, led_by=None)

    def sign(self) -> None:
        if self.at.state == "met" and self.at.led_by:
            self.put(state=move("met", "sign"), led_by=None)

    def end_case(self, k: int) -> None:
        if self.at.state != "signed":
            self.put(cases=self.at.cases - {CASES[k % 2]})

    def revive_case(self, k: int) -> None:
        if self.at.state != "signed":
            self.put(cases=self.at.cases | {CASES[k % 2]})

    def all_declare(self) -> None:
        """Without conflicts; and the workflow assigns."""
        for n in range(len(self.at.members)):
            self.declare(n, 0)
        self.rest()
        self.order_assign()

    def all_score(self) -> None:
        for n in range(len(self.at.members)):
            self.score_and_lock(n)

    def all_meet(self) -> None:
        self.put(meeting_wanted=True)
        self.rest()
        self.hold_meeting()

    def want(self, what: str) -> None:
        self.put(**{what: True})


acts = st.one_of(
    st.tuples(st.just("declare"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("discover"), st.integers(0, 9), st.integers(0, 1)),
    st.tuples(st.just("name_standins")),
    st.tuples(st.just("order_assign")),
    st.tuples(st.just("all_declare")),
    st.tuples(st.just("all_score")),
    st.tuples(st.just("all_meet")),
    st.tuples(st.just("score_and_lock"), st.integers(0, 9)),
    st.tuples(st.just("hold_meeting")),
    st.tuples(st.just("sign")),
    st.tuples(st.just("end_case"), st.integers(0, 1)),
    st.tuples(st.just("revive_case"), st.integers(0, 1)),
    st.tuples(st.just("want"), st.sampled_from(["meeting_wanted", "signing_wanted"])),
)


@settings(max_examples=800, deadline=None)
@given(st.lists(acts, max_size=40))
def test_any_order_of_acts_keeps_the_rules_and_nobody_is_forgotten(played: list[tuple[Any, ...]]) -> None:
    game = Game()
    for name, *arguments in played:
        before = game.at
        getattr(game, name)(*arguments)
        game.rest()
        check(game.at)
        if before.state == "signed":
            assert game.at.placed == before.placed
    finish(game)
    assert game.at.state == "signed"


def check(at: Standing) -> None:
    assert not at.assigned & at.conflicts
    assert at.scored <= at.assigned
    for member in at.members:
        assert not (member.judging and member.locked)
        for case in at.cases:
            if not impartial([Member(member.person_id)], case, at.conflicts):
                assert (case, member.person_id) not in at.scored
    if at.led_by is not None:
        assert all(impartial([Member(at.led_by)], case, at.conflicts) for case in at.cases)
    if at.state in ("scored", "met"):
        assert at.has_quorum(QUORUM)
        assert all((case, m.person_id) in at.scored for m in at.members for case in at.duties(m))
    if at.state == "met":
        assert at.placed == at.cases


def finish(game: Game) -> None:
    """From wherever the round stands, people who do what they are asked for bring it to its end."""
    game.put(meeting_wanted=True, signing_wanted=True)
    game.rest()
    for _ in range(12):
        for act in ("all_declare", "name_standins", "all_declare", "all_score", "hold_meeting", "sign"):
            getattr(game, act)()
            game.rest()
        if game.at.state == "signed":
            return
        if not game.at.has_quorum(QUORUM) and len(game.at.members) >= len(PEOPLE) + len(STANDINS):
            # Everybody who could stand in has a conflict; only ending the cases helps.
            game.put(cases=frozenset())
            game.rest()
