"""What review shows of itself: tasks that are late, by kind."""

from uuid import uuid4

from services.review.__main__ import SERVICE


async def test_late_tasks_are_counted_by_kind_and_one_that_stands_still_is_not_late(as_role):
    owner, app = await as_role("review", "owner"), await as_role("review", "app")
    for kind, state, hours in (
        ("prescreen", "open", -1),
        ("prescreen", "open", 1),
        ("consult", "paused", -1),
        ("consult", "open", 1),
    ):
        await owner.execute(
            """insert into task (id, subject, kind, n, call_id, state, audience_role, opened_at, due_at,
                                 act_path)
               values ($1, $2, $3, '1', 'c', $4, 'hf_adviser', clock_timestamp(),
                       clock_timestamp() + make_interval(hours => $5), 'POST review /v1')""",
            uuid4(),
            str(uuid4()),
            kind,
            state,
            hours,
        )
    (gauge,) = SERVICE.gauges
    rows = await app.fetch(gauge.sql)
    assert {row["kind"]: row["value"] for row in rows} == {"prescreen": 1, "consult": 0}
