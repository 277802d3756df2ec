"""What review shows of itself to whoever watches."""

from services.common.metrics import Gauge

GAUGES = (
    Gauge(
        "innoflyt.tasks.overdue",
        "{task}",
        """select kind, count(*) filter (where state = 'open' and due_at < clock_timestamp()) as value
           from task where closed_at is null group by kind""",
        "open tasks whose due instant has passed, by kind; one that stands still is not late",
    ),
)
