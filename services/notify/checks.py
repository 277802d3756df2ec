"""What must always hold in notify; each row returned is a case that needs a person."""

from services.common.run import Check

CHECKS = (
    Check(
        name="message_unaddressed",
        sql="""select coalesce(application_id::text, call_id, key) as key, id, recipient from notify.message
               where status = 'unaddressed' and created_at < clock_timestamp() - interval '5 minutes'""",
        explain="a message has waited five minutes for a case, person or role that nobody knows",
    ),
    Check(
        name="message_stuck",
        sql="""select coalesce(application_id::text, call_id, key) as key, id, reason from notify.message
               where (status = 'sending' and sender_seen_at < clock_timestamp() - interval '10 minutes')
                  or (status = 'queued' and next_try_at < clock_timestamp() - interval '10 minutes')""",
        explain="a message is due and nobody sends it: does the worker run?",
    ),
    Check(
        name="message_without_relay",
        sql="""select coalesce(application_id::text, call_id, key) as key, id from notify.message
               where status = 'queued' and reason = 'relay_down'
                 and created_at < clock_timestamp() - interval '10 minutes'""",
        explain="a mail has waited ten minutes: is a relay up, and does it take our password and sender?",
    ),
    Check(
        name="message_failed_silently",
        sql="""select coalesce(m.application_id::text, m.call_id, m.key) as key, m.id, m.reason from
           notify.message m
               where m.status = 'failed' and not exists (
                 select from notify.outbox o where o.type = 'no.innoflyt.notify.message-failed.v1'
                   and o.payload::jsonb ->> 'message_id' = m.id::text)""",
        explain="a mail failed for good and no adviser has been asked to reach the person another way",
    ),
    Check(
        name="mail_despite_conflict",
        sql="""select m.application_id::text as key, m.id from notify.message m
               join notify.conflict c using (application_id)
               left join notify.contact k on k.person_id = c.person_id
               where m.status in ('sent', 'sending') and m.created_at > c.noted_at and not m.as_applicant
                 and (m.person_id = c.person_id or lower(m.address) = lower(k.email))""",
        explain="a mail about a case was sent to somebody after that person declared a conflict of interest",
    ),
    Check(
        name="mail_sent_twice",
        sql="""select coalesce(application_id::text, call_id, key) as key, event_id, address from
           notify.message
               where status = 'sent' and address is not null
               group by 1, 2, 3 having count(*) > 1""",
        explain="one event was told twice to the same address",
    ),
)
