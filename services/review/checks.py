"""Invariants of review: SQL that must return no rows; the first column names the case."""

from services.common.doctor import Check

CHECKS = (
    Check(
        "review.open_task_of_ended_case",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, t.id from task t
        join cases c on c.id = t.application_id
        where t.closed_at is null and c.state = 'ended'
          and t.kind not in ('handle_late_fact', 'reach_recipient')
        """,
        "the case has ended, and somebody is still waited for",
    ),
    Check(
        "review.endorsement_of_closed_call",
        """
        select t.application_id::text as key, t.id from task t join call c on c.id = t.call_id
        where t.kind = 'endorse_draft' and t.closed_at is null and c.closed_at is not null
        """,
        "the call is closed, and somebody is still asked to endorse a draft",
    ),
    Check(
        "review.task_closed_by_nobody",
        """
        select coalesce(application_id::text, call_id) as key, kind, id from task
        where closed_at is not null and coalesce(closed_by, '') = ''
        """,
        "a task is closed and nobody knows by whom",
    ),
    Check(
        "review.step_before_its_instant",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, s.n, s.at, s.taken_at
        from ladder_step s join task t on t.id = s.task_id where s.taken_at < s.at
        """,
        "a reminder or escalation went out too early",
    ),
    Check(
        "review.step_of_stopped_clock",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, s.n, s.taken_at
        from ladder_step s join task t on t.id = s.task_id
        where s.taken_at >= t.closed_at
           or exists (select from pause p where p.task_id = t.id
                      and s.taken_at > p.paused_at and s.taken_at < coalesce(p.resumed_at, 'infinity'))
        """,
        "a reminder or escalation went out while the task was paused or closed",
    ),
    Check(
        "review.step_not_taken",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, s.n, s.at
        from ladder_step s join task t on t.id = s.task_id and t.due_at = s.due_at
        where t.state = 'open' and s.taken_at is null and s.at < clock_timestamp() - interval '5 minutes'
        """,
        "a reminder or escalation is overdue: look at the task's workflow and at the activities of review",
    ),
    Check(
        "review.overlapping_pauses",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, p.n, q.n as other
        from pause p join pause q on q.task_id = p.task_id and q.n > p.n join task t on t.id = p.task_id
        where coalesce(p.resumed_at, 'infinity') > q.paused_at
        """,
        "two pauses of one task overlap, so that its time is counted wrong",
    ),
    Check(
        "review.pause_without_state",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, t.state from task t
        where (t.state = 'paused')
              <> exists (select from pause p where p.task_id = t.id and p.resumed_at is null)
        """,
        "a task is paused without an interval, or has one that lasts and is not paused",
    ),
    Check(
        "review.paused_without_question",
        """
        select coalesce(t.application_id::text, t.call_id) as key, t.kind, p.cause
        from task t join pause p on p.task_id = t.id and p.resumed_at is null
        where p.cause like 'question:%'
          and not exists (select from question q where q.task_id = t.id and q.answered_at is null)
        """,
        "a task stands still and no question is open, so that nothing will ever resume it",
    ),
    Check(
        "review.ended_without_cause",
        """
        select c.id::text as key, c.ended_as from cases c
        where c.ended_as = 'not_recommended'
          and not exists (select from prescreening p where p.application_id = c.id
                          and p.version = c.version and p.outcome = 'not_recommended')
        """,
        "the case ended as not recommended, and no pre-screening says so",
    ),
    Check(
        "review.case_beyond_prescreening",
        """
        select c.id::text as key, c.state from cases c
        where c.state = 'consulting'
          and not exists (select from prescreening p where p.application_id = c.id
                          and p.version = c.version and p.outcome = 'recommended')
        """,
        "the case is with the consulted, and its trust has not recommended it",
    ),
    Check(
        "review.unanswered_question_without_task",
        """
        select q.application_id::text as key, q.id from question q join cases c on c.id = q.application_id
        where q.answered_at is null and c.state <> 'ended'
          and not exists (select from task t where t.kind = 'answer_question' and t.n = q.id::text
                          and t.closed_at is null)
        """,
        "a question is open, and nobody is asked to answer it",
    ),
)
