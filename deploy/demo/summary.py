"""What the run came to: the table for people, `summary.json` for scripts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.mail_log import messages_since
from deploy.demo.traces import trace_url
from deploy.demo.world import World

_FILE = "summary.json"
_SHOWN = "A02"
"""The application whose workflow and trace are shown: it has a reminder and an escalation."""


async def summarise(world: World, events: int) -> dict[str, Any]:
    """The summary, with counts from the mail log and the worklists."""
    for role in world.cast.applications.values():
        path = f"/v1/applications/{world.ids[role.ref]}/status"
        world.status[role.ref] = await world.holder(role).get("intake", path)
    log = await messages_since(world, world.published_at)
    cases = set(world.ids.values())
    ours = [each for each in log if each["application_id"] in cases or each["call_id"] == world.call_id]
    sent = [each for each in ours if each["status"] == "sent"]
    steps = {(each["task_id"], each["step"], each["template"]) for each in ours if each["step"] is not None}
    return {
        "applications": [
            _application(world, ref, [each for each in sent if each["application_id"] == world.ids[ref]])
            for ref in world.cast.applications
        ],
        "mails": len(sent),
        "events": events,
        "tasks": len(world.task_ids | {each["task_id"] for each in ours if each["task_id"]}),
        "reminders": sum(1 for *_, template in steps if template == "task-reminded"),
        "escalations": sum(1 for *_, template in steps if template == "task-escalated"),
        "seconds": round(time.monotonic() - world.begun, 1),
        "urls": await _urls(world),
    }


def _application(world: World, ref: str, mails: list[dict[str, Any]]) -> dict[str, Any]:
    role, status = world.cast.applications[ref], world.status[ref]
    workflows = [f"application:{world.ids[ref]}"]
    if "awarded" in status["outcomes"]:
        workflows.append(f"grant:{world.ids[ref]}")
    return {
        "ref": ref,
        "id": world.ids[ref],
        "case_number": status["case_number"],
        "organisation": role.organisation,
        "category": role.category,
        "amount": role.amount,
        "outcomes": status["outcomes"],
        "seen": sorted(world.seen[ref]),
        "waited": status["waited"],
        "mails": len(mails),
        "workflow_ids": workflows,
    }


async def _urls(world: World) -> dict[str, str]:
    settings = world.web.settings
    ui = f"http://127.0.0.1:{settings['TEMPORAL_UI_PORT']}/namespaces/{settings['TEMPORAL_NAMESPACE']}"
    urls = {
        "workflow": f"{ui}/workflows/application%3A{world.ids[_SHOWN]}",
        "workflows": f"{ui}/workflows",
        "trace": await trace_url(world, _SHOWN),
        "mail": f"http://127.0.0.1:{settings['MAIL_UI_PORT']}/",
    }
    for service in ("intake", "review", "funding", "notify"):
        urls[f"{service}_api"] = world.web.url(service, "/docs")
    return urls


def forget(folder: Path) -> None:
    """A run that fails must not be taken for the success before it."""
    (folder / _FILE).unlink(missing_ok=True)


def write(summary: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    path.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def show(summary: dict[str, Any], console: Console) -> None:
    """The final table, and where to look."""
    table = Table(title="The round")
    for heading in (
        "",
        "case",
        "organisation",
        "category",
        "kNOK",
        "ending",
        "waited us/them",
        "mails",
        "seen",
    ):
        table.add_column(heading, justify="right" if heading in ("kNOK", "mails") else "left")
    for each in summary["applications"]:
        waited = each["waited"]
        table.add_row(
            each["ref"],
            each["case_number"] or "",
            each["organisation"],
            each["category"],
            str(each["amount"] // 1000),
            " → ".join(each["outcomes"]),
            f"{waited['us']:g} / {waited['them']:g} {waited['unit']}",
            str(each["mails"]),
            ", ".join(each["seen"]),
        )
    console.print(table)
    counts = ("events", "tasks", "mails", "reminders", "escalations", "seconds")
    console.print("  ".join(f"{name}: {summary[name]}" for name in counts))
    for name, url in summary["urls"].items():
        console.print(f"{name:12} {url}", soft_wrap=True)
