"""People at their worklists: each acts on a task as soon as it is listed, by following its act path.

One adviser, who may see every open task, looks at the whole list four times a second and so knows for whom to
look
closer; each person then reads their own list and acts only on what stands there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from deploy.demo.client import Refusal, Session
from deploy.demo.world import WentWrong, World

Task = dict[str, Any]
Act = Callable[[Session, Task], Awaitable[bool]]
"""Acts on a task; False: not now, look again later."""

_LOOK_SECONDS = 0.25
_LOOK_AGAIN_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0


def path_of(task: Task) -> tuple[str, str, str]:
    """Method, service and path of `act_path`."""
    method, service, path = task["act_path"].split(" ", 2)
    return method, service, path


async def follow(session: Session, task: Task, body: Mapping[str, Any]) -> Any:
    """Do what the task's act path says, with this body."""
    method, service, path = path_of(task)
    answer = await session.request(method, service, path, json=dict(body))
    return answer.json()


class Worklists:
    """Everybody's worklist. `acts`: person id -> task kind -> what that person does."""

    def __init__(self, world: World, acts: Mapping[str, Mapping[str, Act]]) -> None:
        self._world = world
        self._acts = acts
        self._bells = {person: asyncio.Event() for person in acts}
        self._done: set[tuple[str, str]] = set()
        self._refused_since: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            for person in self._acts:
                group.create_task(self._work(person))

    async def _watch(self) -> None:
        adviser = self._world.as_("rhf-1")
        rung: dict[str, str] = {}
        while True:
            for task in await _all_open(adviser, self._world.call_id):
                self._world.task_ids.add(task["id"])
                state = f"{task['state']} {task['due_at']} {task['audience']}"
                if rung.get(task["id"]) != state:
                    rung[task["id"]] = state
                    for person in self._for(task):
                        self._bells[person].set()
            await asyncio.sleep(_LOOK_SECONDS)

    def _for(self, task: Task) -> list[str]:
        audience = task["audience"]
        if audience["person_id"]:
            person = self._world.person_by_id(audience["person_id"])
            return [person] if person in self._bells else []
        return [
            person.id
            for person in self._world.cast.with_role(audience["role"], audience["organisation"])
            if person.id in self._bells
        ]

    async def _work(self, person: str) -> None:
        session, bell = self._world.as_(person), self._bells[person]
        waiting = False
        while True:
            try:
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS if waiting else None):
                    await bell.wait()
            except TimeoutError:
                pass
            bell.clear()
            waiting = False
            for task in await _mine(session, self._world.call_id):
                if (person, task["id"]) not in self._done and task["state"] == "open":
                    if await self._act(session, task):
                        self._done.add((person, task["id"]))
                    else:
                        waiting = True

    async def _act(self, session: Session, task: Task) -> bool:
        act = self._acts[session.person.id].get(task["kind"])
        if act is None:
            return True
        try:
            done = await act(session, task)
        except Refusal as refusal:
            # Another service may still be reading the fact that this task came from: nothing is wrong yet.
            since = self._refused_since.setdefault(task["id"], time.monotonic())
            if refusal.status not in (404, 409) or time.monotonic() - since > _PATIENCE_SECONDS:
                raise WentWrong(
                    f"{self._world.ref(task['application_id']) or task['subject']}: {task['kind']}: {refusal}"
                ) from refusal
            return False
        if done:
            about = self._world.ref(task["application_id"]) or _short(task)
            self._world.tell(about, f"{session.person.name}: {task['kind'].replace('_', ' ')}")
        return done


def _short(task: Task) -> str:
    """The panel or decision round without the call's long id."""
    return str(task["subject"]).removeprefix(task["call_id"] + ".").partition("/")[0]


async def _all_open(session: Session, call_id: str) -> list[Task]:
    found: list[Task] = []
    params: dict[str, Any] = {"view": "all", "call_id": call_id, "limit": 200}
    while True:
        page = await session.get("review", "/v1/tasks", **params)
        found += page["items"]
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


async def _mine(session: Session, call_id: str) -> list[Task]:
    page = await session.get("review", "/v1/tasks", view="mine", call_id=call_id, limit=200)
    items: list[Task] = page["items"]
    return items
