"""Bringing a stack up: each step as soon as those it needs are done, each server with a readiness probe."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from . import supervisor
from .programs import Program, base_environment, service_environment, service_programs
from .servers import identity, kafka, mail, objects, postgres, scanner, temporal, traces
from .settings import ROOT, SCHEMAS, Settings

READY_SECONDS = 180  # on a busy machine; an idle one needs a tenth of it
# A program waits for what it needs and does not end; one that still does after this time has another trouble.
_CRASHING_SECONDS = 15
_PROBE_PAUSE_SECONDS = 0.15  # a score of probes at once must not take the time of what they wait for


class NotReady(Exception):
    """A program did not become ready; the text holds the end of its log."""


class PortTaken(Exception):
    """Something that is not ours listens on a port of the stack."""


@dataclass(frozen=True)
class Step:
    """One piece of start-up work, and the names of the steps that must be done before it."""

    name: str
    work: Callable[[], None]
    after: tuple[str, ...] = ()


def programs(settings: Settings, with_services: bool = True) -> list[Program]:
    """Every program of this profile: no server that somebody else runs, no pages for people in tests."""
    found = []
    if settings.ours("POSTGRES_HOST"):
        found.append(postgres.program(settings))
    if settings.ours("KAFKA_BOOTSTRAP"):
        found.append(kafka.program(settings))
    if settings.ours("S3_ENDPOINT"):
        found.append(objects.program(settings))
    if settings.ours("CLAMD_HOST"):
        found.append(scanner.program(settings))
    if settings.ours("SMTP_HOST"):
        found.append(mail.program(settings))
    if settings.ours("TEMPORAL_ADDRESS"):
        found.append(temporal.program(settings))
    found.append(identity.program(settings))
    if settings.profile == "run":
        found += [temporal.page(settings), traces.program(settings)]
    return found + (service_programs(settings) if with_services else [])


def up(settings: Settings, with_services: bool = True, say: Callable[[str], None] = print) -> None:
    """Start everything that does not run yet and return when all of it is ready.

    Raises NotReady when a program does not come up, OSError when a port is taken by a stranger.
    """
    wanted = programs(settings, with_services)
    known = programs(settings)
    prepare(settings, {p.name for p in wanted})
    supervisor.launch(settings, supervisor.write_config(settings, known))
    run_steps(steps(settings, {p.name: p for p in wanted}, with_services), say)


def clean(settings: Settings) -> None:
    """Stop everything and delete the data of this profile; builds and downloads stay in the cache."""
    supervisor.shutdown(settings)
    for folder in (postgres.data_folder(settings), settings.folder):
        if folder.exists():
            shutil.rmtree(folder)


def prepare(settings: Settings, names: set[str]) -> None:
    """Write the configuration files and data folders of the servers that are ours."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    work = {
        "postgres": postgres.prepare,
        "kafka": kafka.prepare,
        "objects": objects.prepare,
        "clamd": scanner.prepare,
        "maildev": mail.prepare,
        "temporal": temporal.prepare,
        "identity": identity.prepare,
    }
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(step, settings) for name, step in work.items() if name in names]:
            done.result()


def steps(settings: Settings, known: Mapping[str, Program], with_services: bool) -> list[Step]:
    """The start-up as a graph. A server that is not ours has its probe and its provisioning all the same."""

    def server(name: str, probe: Callable[[Settings], None], *after: str) -> Step:
        def work() -> None:
            if name in known:
                begin(settings, known[name])
            wait_ready(settings, name, lambda: probe(settings))

        return Step(name, work, after)

    def then(name: str, work: Callable[[Settings], None], *after: str) -> Step:
        return Step(name, lambda: work(settings), after)

    found = [
        server("postgres", postgres.ready),
        server("kafka", kafka.ready),
        server("objects", objects.ready),
        server("clamd", scanner.ready),
        server("maildev", mail.ready),
        server("identity", identity.ready),
        then("database", postgres.provision, "postgres"),
        then("topics", kafka.provision, "kafka"),
        then("buckets", objects.provision, "objects"),
    ]
    if settings.ours("TEMPORAL_ADDRESS"):
        found.append(then("temporal schema", temporal.create_schema, "postgres"))
    after = [step.name for step in found if step.name == "temporal schema"]
    found += [server("temporal", temporal.ready, *after), then("namespace", temporal.provision, "temporal")]
    if settings.profile == "run":
        found += [server("temporal-ui", temporal.page_ready, "temporal"), server("zipkin", traces.ready)]
    return found + (service_steps(settings) if with_services else [])


def provision(settings: Settings, what: str) -> None:
    """What containers need done once: `servers` is all but the namespace, which needs Temporal up."""
    if what == "namespace":
        temporal.provision(settings)
        return
    postgres.provision(settings)
    temporal.create_databases(settings)
    kafka.provision(settings)
    objects.provision(settings)


def service_steps(settings: Settings) -> list[Step]:
    """Migrations first; then every process at once, for each waits by itself for what it needs."""
    found = [Step("migrations", lambda: migrate(settings), ("database",))]
    for program in service_programs(settings):
        package, _, role = program.name.partition("-")

        def work(program: Program = program, package: str = package, role: str = role) -> None:
            begin(settings, program)
            wait_ready(settings, program.name, lambda: service_ready(settings, package, role, program.name))

        found.append(Step(program.name, work, ("migrations", "topics", "buckets", "namespace")))
    return found


def begin(settings: Settings, program: Program) -> None:
    """Start a program that does not run. Raises PortTaken when a stranger listens on one of its ports."""
    if supervisor.states(settings)[program.name]["statename"] in ("RUNNING", "STARTING"):
        return
    supervisor.stop(settings, program.name)  # one that waits before it tries again must not do so meanwhile
    for name in program.ports:
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", settings.port(name)))
            except OSError as error:
                remedy = f"end what listens there, or choose another {name} in .env"
                if settings.profile == "test":
                    remedy = "end what listens there, or choose another TEST_PORT_OFFSET in .env"
                message = (
                    f"{program.name} needs port {settings.port(name)} ({name}), which is taken: {remedy}"
                )
                raise PortTaken(message) from error
    supervisor.start(settings, program.name)


def migrate(settings: Settings) -> None:
    """Bring every schema up to date. Raises NotReady with what the migrations said."""
    environment = base_environment(settings)
    for schema in SCHEMAS:
        environment |= service_environment(settings, schema, "owner")
    command = [sys.executable, "-m", "deploy.stack.migrations"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise NotReady(f"the migrations failed:\n{done.stdout}{done.stderr}")


def service_ready(settings: Settings, package: str, role: str, name: str) -> None:
    """An API is ready when /readyz says so; a worker when it has run for the supervisor's one second."""
    if role == "api":
        url = f"http://127.0.0.1:{settings[f'{package.upper()}_PORT']}/readyz"
        urllib.request.urlopen(url, timeout=5).close()
    elif (state := supervisor.states(settings)[name]["statename"]) != "RUNNING":
        raise ConnectionError(f"{name} is {state}")


def wait_ready(settings: Settings, name: str, probe: Callable[[], None]) -> None:
    """Ask until the probe no longer raises. Raises NotReady with the end of the program's log."""
    begun = time.monotonic()
    while True:
        try:
            probe()
            return
        except Exception as error:  # whatever a server says while it starts means: not yet
            last = error
        waited = time.monotonic() - begun
        crashing = waited > _CRASHING_SECONDS and supervisor.keeps_ending(settings, name)
        if crashing or waited > READY_SECONDS:
            why = "ends again and again" if crashing else f"is not ready after {READY_SECONDS} s"
            log = tail(supervisor.log_path(settings, name))
            raise NotReady(f"{name} {why}: {last}\n{log}") from last
        time.sleep(_PROBE_PAUSE_SECONDS)


def run_steps(todo: Sequence[Step], say: Callable[[str], None]) -> None:
    """Run each step once all it needs is done, as many at once as that allows; stop at the first failure."""
    started = time.monotonic()
    done: set[str] = set()
    waiting = {step.name: step for step in todo}
    running: dict[Future[None], str] = {}
    lock = threading.Lock()
    with ThreadPoolExecutor(max_workers=32) as pool:
        while waiting or running:
            for step in [s for s in waiting.values() if done.issuperset(s.after)]:
                running[pool.submit(step.work)] = waiting.pop(step.name).name
            if not running:
                raise AssertionError(f"steps wait for each other: {sorted(waiting)}")
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                future.result()
                done.add(name)
                with lock:
                    say(f"{time.monotonic() - started:6.1f} s  {name}")


def tail(log: Path, lines: int = 20) -> str:
    if not log.exists():
        return f"({log} does not exist)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
