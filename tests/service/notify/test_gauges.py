"""What notify shows of itself: how old the oldest mail is that waits, and how many were given up."""

from services.notify.__main__ import SERVICE


async def test_mails_that_wait_and_mails_that_failed_are_told(as_role):
    owner, app = await as_role("notify", "owner"), await as_role("notify", "app")
    sql = {gauge.name: gauge.sql for gauge in SERVICE.gauges}

    async def value(name: str) -> float:
        return float(await app.fetchval(sql[f"innoflyt.mail.{name}"]))

    assert (await value("oldest_queued"), await value("failed")) == (0, 0)
    for recipient, status, ended in (("a", "queued", False), ("b", "failed", True)):
        await owner.execute(
            """insert into message (event_id, recipient, person_id, event_type, template, data, key, status,
                                    created_at, ended_at)
               values (gen_random_uuid(), $1, gen_random_uuid(), 't', 't', '{}', 'k', $2,
                       clock_timestamp() - interval '1 hour', case when $3 then clock_timestamp() end)""",
            recipient,
            status,
            ended,
        )
    assert 3600 <= await value("oldest_queued") < 4000
    assert await value("failed") == 1
