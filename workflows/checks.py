"""Invariants of the starter: SQL that must return no rows; the first column names the case."""

from services.common.doctor import Check

CHECKS = (
    Check(
        "workflows.not_started",
        """
        select o.key, o.type, o.workflow_id, o.created_at from (
            select key, type, created_at, 'application:' || key as workflow_id from intake.outbox
             where type = 'no.innoflyt.intake.application-submitted.v1'
            union all
            select key, type, created_at, 'call:' || key from intake.outbox
             where type = 'no.innoflyt.intake.call-published.v1'
            union all
            select key, type, created_at, 'grant:' || key from funding.outbox
             where type = 'no.innoflyt.funding.award-made.v1'
            union all
            select key, type, created_at, 'task:' || (payload::jsonb ->> 'task_id') from review.outbox
             where type = 'no.innoflyt.review.task-opened.v1'
        ) o
        where o.created_at < clock_timestamp() - interval '60 seconds'
          and not exists (select from run r where r.workflow_id = o.workflow_id)
        """,
        "nothing waits for this case: look at the starter, the broker and Temporal",
    ),
    Check(
        "workflows.early_fact_kept",
        """
        select split_part(e.workflow_id, ':', 2) as key, e.type, e.event_id from early_fact e
        join run r on r.workflow_id = e.workflow_id
        """,
        "a fact that came before the start of its run was never told to it",
    ),
    Check(
        "workflows.clock_of_open_task_ended",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, t.id, r.ended_at from review.task t
        join run r on r.workflow_id = 'task:' || t.id
        where t.closed_at is null and r.ended_at is not null
        """,
        "a person is waited for, but nobody reminds them: the clock of the task has ended",
    ),
)
