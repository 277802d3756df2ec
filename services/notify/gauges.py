"""What notify shows of itself to whoever watches."""

from services.common.metrics import Gauge

GAUGES = (
    Gauge(
        "innoflyt.mail.oldest_queued",
        "s",
        """select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0) as value
           from message where status in ('queued', 'sending')""",
        "age of the oldest mail that no relay has taken",
    ),
    Gauge(
        "innoflyt.mail.failed",
        "{mail}",
        "select count(*) as value from message where status = 'failed'",
        "mails that were given up; each became an adviser's task",
    ),
)
