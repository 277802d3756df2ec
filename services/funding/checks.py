"""What must always hold in funding, as SQL that returns no rows; the first column names the case."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.common.run import Check
from services.funding.domain import cases, grants

_MACHINES: Mapping[str, tuple[Mapping[Any, Mapping[Any, Any]], tuple[str, str] | None]] = {
    # by name in the history: the machine, and the step that begins a life where there is one
    "case": (cases.CASE, None),
    "decision_round": (cases.ROUND, ("open", cases.RoundState.OPEN)),
    "grant": (grants.GRANT, ("make", grants.GrantState.AWARDED)),
    "report": (grants.REPORT, ("request", grants.ReportState.REQUESTED)),
    "plan": (grants.PLAN, None),
    "extension": (grants.REQUEST, ("ask", grants.RequestState.ASKED)),
    "change": (grants.REQUEST, ("ask", grants.RequestState.ASKED)),
    "complaint": (grants.REQUEST, ("ask", grants.RequestState.ASKED)),
}


def _declared_steps() -> Iterator[str]:
    """Every step that the machines declare, as a row of SQL values."""
    for name, (machine, birth) in _MACHINES.items():
        if birth is not None:
            yield f"('{name}', '', '{birth[0]}', '{birth[1]}')"
        for state, moves in machine.items():
            for action, after in moves.items():
                yield f"('{name}', '{state}', '{action}', '{after}')"


CHECKS = (
    Check(
        "pot_exceeded",
        """select call_id as key, panel, amount, awarded, held from pot where awarded + held > amount
           union all
           select id, 'all', pot, awarded, 0 from call where awarded > pot""",
        "more is awarded or held than the pot has",
    ),
    Check(
        "pot_miscounted",
        """select p.call_id as key, p.panel, p.awarded, p.held,
                  coalesce(sum(d.amount) filter (where c.state = 'awarded'), 0) as decided,
                  coalesce(sum(c.held), 0) as holding
           from pot p
           left join cases c on c.call_id = p.call_id and c.panel = p.panel
           left join decision d on d.application_id = c.id and d.version = c.decision_version
           group by p.call_id, p.panel, p.awarded, p.held
           having p.awarded <> coalesce(sum(d.amount) filter (where c.state = 'awarded'), 0)
               or p.held <> coalesce(sum(c.held), 0)""",
        "the pot's counters differ from the decisions and offers on its cases",
    ),
    Check(
        "call_miscounted",
        """select c.id as key, c.pot, c.awarded from call c
           left join (select call_id, sum(amount) as pot, sum(awarded) as awarded from pot group by call_id) p
             on p.call_id = c.id
           where (c.pot, c.awarded) is distinct from (coalesce(p.pot, 0), coalesce(p.awarded, 0))""",
        "the call's total differs from the sum of its pots",
    ),
    Check(
        "letter_missing",
        """select d.application_id as key, d.version, d.outcome from decision d
           join cases c on c.id = d.application_id
           left join letter l on l.application_id = d.application_id and l.version = d.version
           where l.version is null and c.state not in ('ended', 'lost')
             and d.decided_at < clock_timestamp() - interval '5 minutes'""",
        "a decision was taken over five minutes ago and its letter has not been sent",
    ),
    Check(
        "award_without_grant",
        """select l.application_id as key, l.version from letter l
           join decision d on d.application_id = l.application_id and d.version = l.version
           left join award a on a.application_id = l.application_id
           where d.outcome = 'awarded' and a.application_id is null""",
        "an award's letter is out and no grant has begun",
    ),
    Check(
        "state_without_history",
        """select split_part(m.subject, '/', 1) as key, m.machine, m.subject, m.state, h.after as recorded
           from (
             select 'case' as machine, id::text as subject, state from cases where state <> 'received'
             union all select 'grant', application_id::text, state from award
             union all select 'decision_round', id, state from decision_round
             union all select 'report', concat_ws('/', application_id, kind, n), state from report
             union all select 'plan', concat_ws('/', application_id, organisation), state from plan
               where state <> 'owed'
             union all select 'extension', concat_ws('/', application_id, n), state from extension
             union all select 'change', concat_ws('/', application_id, n), state from change
             union all select 'complaint', concat_ws('/', application_id, n), state from complaint
           ) m
           left join lateral (
             select after from history h where h.machine = m.machine and h.subject = m.subject
             order by seq desc limit 1
           ) h on true
           where h.after is distinct from m.state""",
        "something is in a state that no recorded step led to",
    ),
    Check(
        "history_broken",
        """select split_part(subject, '/', 1) as key, machine, subject, before, action, after from (
             select *, lag(after) over (partition by machine, subject order by seq) as left_in,
                    row_number() over (partition by machine, subject order by seq) as n from history
           ) h
           where before is distinct from left_in
             and not (n = 1 and (machine, before) in (('case', 'received'), ('plan', 'owed')))""",
        "a recorded step does not begin where the one before it ended",
    ),
    Check(
        "step_undeclared",
        f"""select split_part(subject, '/', 1) as key, machine, subject, before, action, after from history
            where (machine, coalesce(before, ''), action, after)
                  not in (values {", ".join(_declared_steps())})
              and not (machine = 'case' and before = 'ended' and action = 'undo')""",
        "a recorded step is none that the state machine allows",
    ),
    Check(
        "one_person",
        """select application_id as key, version, prepared_by from decision where prepared_by = decided_by
           union all
           select c.application_id, c.n, c.answered_by from complaint c
           join decision d on d.application_id = c.application_id and d.version <= c.n
           where c.answered_by in (d.prepared_by, d.decided_by)""",
        "one person did what two must do",
    ),
    Check(
        "money_not_offered",
        """select f.id as key, p.panel, f.amount, p.amount - p.awarded - p.held as free from pot p
           join lateral (
             select c.id, d.amount, c.held_back, l.version is not null as told from cases c
             join decision d on d.application_id = c.id and d.version = c.decision_version
             left join letter l on l.application_id = c.id and l.version = c.decision_version
             where c.call_id = p.call_id and c.panel = p.panel and c.state = 'reserve'
             order by c.reserve_position limit 1
           ) f on true
           where f.told and not f.held_back and f.amount <= p.amount - p.awarded - p.held
             and not exists (  -- letters of a round just decided are still going out
               select from decision d join decision_round r on r.id = d.decision_round_id
               left join letter l on l.application_id = d.application_id and l.version = d.version
               where d.call_id = p.call_id and l.version is null
                 and r.decided_at > clock_timestamp() - interval '5 minutes')
             and not exists (select from letter l where l.application_id = f.id
                             and l.sent_at > clock_timestamp() - interval '1 minute')""",
        "free money fits the first on the reserve list and was not offered",
    ),
    Check(
        "skipped_on_reserve",
        """select later.id as key, later.reserve_position, earlier.id as skipped from cases later
           join offer o on o.application_id = later.id
           join cases earlier on earlier.call_id = later.call_id and earlier.panel = later.panel
             and earlier.reserve_position < later.reserve_position
           join letter l on l.application_id = earlier.id and l.version = earlier.decision_version
           where earlier.state = 'reserve' and not earlier.held_back and l.sent_at < o.offered_at
             and later.state in ('offered', 'moving')
             and not exists (select from history h where h.machine = 'case' and h.subject = earlier.id::text
                             and h.at > o.offered_at)""",
        "somebody further down the reserve list was offered money first",
    ),
    Check(
        "moved_from_declined",
        """select o.application_id as key, o.n from offer o
           where not exists (select from decision d where d.application_id = o.application_id
                             and d.outcome = 'reserve' and d.decided_at <= o.offered_at)""",
        "money was offered to a case that was not on the reserve list",
    ),
)
