"""Invariants of intake: SQL that must return no rows. The first column is the case (application or call
id)."""

from services.common.run import Check
from services.intake.domain.states import TRANSITIONS

_STEPS = ", ".join(
    f"('{state.value}', '{action.value}', '{after.value}')"
    for state, steps in TRANSITIONS.items()
    for action, after in steps.items()
)

CHECKS = (
    Check(
        "submitted_without_version",
        """select a.id::text as key from application a
           where a.version > 0 and (select count(*) from submission s where s.application_id = a.id) <>
           a.version""",
        "An application counts more, or fewer, submitted versions than are kept.",
    ),
    Check(
        "submitted_without_fact",
        """select s.application_id::text as key from submission s
           where not exists (
             select from outbox o where o.key = s.application_id::text
               and o.type = 'no.innoflyt.intake.application-submitted.v1'
               and (o.payload::jsonb ->> 'version')::int = s.version)""",
        "A submitted version was never told to anyone: no receipt, no workflow.",
    ),
    Check(
        "received_after_the_deadline",
        """select s.application_id::text as key from submission s join application a on a.id =
        s.application_id
           join call c on c.id = a.call_id where s.submitted_at > s.deadline or s.submitted_at <
           c.opens_at""",
        "A version was accepted that reached us after the deadline that held, or before the call opened.",
    ),
    Check(
        "attachment_of_a_version_not_verified",
        """select s.application_id::text as key from submission s
           left join lateral unnest(s.attachment_ids) as held (id) on true
           left join attachment a on a.id = held.id and a.application_id = s.application_id
           where held.id is not null and (a.id is null or a.state = 'uploading')""",
        "A submitted version holds an attachment that was never verified, or that is another application's.",
    ),
    Check(
        "state_without_a_path",
        f"""select coalesce(h.application_id::text, a.id::text) as key
            from application a left join lateral (
              select *, lag(to_state) over (order by n) as previous,
                     row_number() over (order by n desc) as from_last
              from state_history where application_id = a.id) h on true
            where h.application_id is null
               or h.from_state is distinct from h.previous
               or (h.from_state is null and (h.action, h.to_state) <> ('create', 'draft'))
               or (h.from_state is not null and (h.from_state, h.action, h.to_state) not in (values {_STEPS}))
               or (h.from_last = 1 and h.to_state <> a.state)""",
        "The history of a state is not a path of the state machine, or does not end in that state.",
    ),
    Check(
        "state_without_an_actor",
        """select h.application_id::text as key from state_history h
           where h.actor_id = '' or not exists (
             select from audit a where a.key = h.application_id::text
               and a.actor_kind = h.actor_kind and a.actor_id = h.actor_id)""",
        "A state was entered by nobody, or by somebody the audit of the case does not know.",
    ),
    Check(
        "rejected_by_nobody",
        """select f.application_id::text as key from formal_check f
           where f.state in ('rejected', 'undone') and (f.decided_by is null or coalesce(f.reason, '') =
           '')""",
        "A rejection without the adviser who confirmed it, or without a reason.",
    ),
    Check(
        "rejected_without_a_formal_check",
        """select a.id::text as key from application a where a.state like 'rejected%' and not exists (
             select from formal_check f where f.application_id = a.id and f.version = a.version
               and f.state = 'rejected')""",
        "An application is rejected, but no formal check of its newest version says so.",
    ),
    Check(
        "formal_check_of_an_unscanned_file",
        """select s.application_id::text as key from formal_check f
           join submission s using (application_id, version)
           join attachment a on a.id = any(s.attachment_ids) where a.state = 'verified'""",
        "The formal check judged a version before the scanner had seen all its files.",
    ),
    Check(
        "returned_in_a_closed_call",
        """select a.id::text as key from application a join call c on c.id = a.call_id
           where a.state = 'returned' and c.closed_at is not null""",
        "The call is closed, and a returned case has neither been submitted again nor expired.",
    ),
    Check(
        "call_not_closed",
        """select c.id as key from call c
           where c.closed_at is null and c.closes_at < clock_timestamp() - interval '2 minutes'""",
        "The call's closing instant passed minutes ago, and it is still open.",
    ),
    Check(
        "ended_without_an_outcome",
        """select a.id::text as key from application a
           where (a.state in ('not_recommended', 'expired') or a.state ~ '^(withdrawn|rejected)')
             and not exists (select from outcome o where o.application_id = a.id and o.undone_at is null
                             and o.outcome = regexp_replace(a.state, '^(withdrawn|rejected)_.*', '\\1'))""",
        "A case has ended, and its applicant is not told how.",
    ),
    Check(
        "case_number_out_of_line",
        """select coalesce(min(a.id::text), c.year::text) as key from case_counter c
           left join application a on a.case_number like c.year || '-%'
           group by c.year, c.last having count(a.id) <> c.last""",
        "Case numbers of a year have gaps, or there are more of them than were given out.",
    ),
    Check(
        "endorsed_by_the_applicant",
        """select a.id::text as key from endorsement e join application a on a.id = e.application_id
           where e.state = 'endorsed' and e.person_id = a.holder_id""",
        "An applicant's own word counts as a leader's endorsement.",
    ),
    Check(
        "attachment_waits_for_the_scanner",
        """select a.application_id::text as key from attachment a
           where a.state = 'verified' and a.deleted_at is null
             and a.verified_at < clock_timestamp() - interval '10 minutes'""",
        "An attachment has waited ten minutes to be scanned: the scanner or the cleaning job is down, or the "
        "scanner cannot scan this very file.",
    ),
    Check(
        "clean_without_a_document",
        """select a.application_id::text as key from attachment a where a.state = 'clean' and a.cleaned_at is
        null""",
        "An attachment may be downloaded, but was never cleaned.",
    ),
)
