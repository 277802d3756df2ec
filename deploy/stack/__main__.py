"""The stack from the command line; `make help` names the same by shorter words."""

from __future__ import annotations

import argparse
import sys
import time

from . import doctor, logs, start, supervisor, testrun
from .install.everything import install
from .install.machine import InstallError
from .settings import SERVICES, Settings, WrongSettings, from_environment, load

_EXPECTED = (WrongSettings, InstallError, start.NotReady, start.PortTaken, TimeoutError, ConnectionError)


def main(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the exit code is 0 when all is well."""
    settings = load(arguments.profile)
    match arguments.command:
        case "install":
            install(arguments.profile)
        case "up":
            return _up(settings, with_services=not arguments.without_services)
        case "down":
            supervisor.shutdown(settings)
            print("down")
        case "status":
            return _status(settings)
        case "logs":
            for line in logs.lines(settings, arguments.id):
                print(f"{line.time[:23]:23} {line.program:16} {line.text}")
        case "doctor":
            return doctor.examine(settings)
        case "env":
            for name, value in settings.values.items():
                print(f"{name}='{value}'")
        case "test":
            return testrun.run(arguments.pytest)
        case "provision":
            start.provision(from_environment(), arguments.what)
        case "clean":
            start.clean(settings)
    return 0


def _up(settings: Settings, with_services: bool) -> int:
    begun = time.monotonic()
    install(settings.profile)
    start.up(settings, with_services)
    print(f"up in {time.monotonic() - begun:.1f} s")
    if settings.profile == "run":
        print(addresses(settings))
    return 0


def addresses(settings: Settings) -> str:
    """Where a person finds what, one line each."""
    pages = {
        "workflows": f"http://127.0.0.1:{settings['TEMPORAL_UI_PORT']}/namespaces/{settings['TEMPORAL_NAMESPACE']}",
        "traces": f"http://127.0.0.1:{settings['ZIPKIN_PORT']}/zipkin/",
        "mail": f"http://127.0.0.1:{settings['MAIL_UI_PORT']}/",
        "sign-in": f"http://127.0.0.1:{settings['OIDC_PORT']}/innoflyt/.well-known/openid-configuration",
    }
    for service in SERVICES:
        pages[service] = f"http://127.0.0.1:{settings[f'{service.upper()}_PORT']}/docs"
    return "\n".join(f"{name:10} {page}" for name, page in pages.items())


def _status(settings: Settings) -> int:
    if not supervisor.running(settings):
        print("not running: `make up` starts it")
        return 1
    infos = supervisor.states(settings)
    for name, info in infos.items():
        print(f"{name:20} {info['statename']:10} {info['description']}")
    return 0 if all(info["statename"] == "RUNNING" for info in infos.values()) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in {
        "install": "get every server onto this machine",
        "up": "start everything and wait until it is ready",
        "down": "stop everything",
        "status": "what runs",
        "logs": "the newest log lines, or all about one application",
        "doctor": "look for anything that is wrong with any case",
        "env": "print the settings for a shell",
        "test": "run the tests on a stack of their own",
        "provision": "in containers: give the servers what belongs to Innoflyt",
        "clean": "stop everything and delete its data",
    }.items():
        command = commands.add_parser(name, help=help_text)
        command.add_argument("--profile", choices=["run", "test"], default="run")
        if name == "up":
            command.add_argument("--without-services", action="store_true", help="the servers alone")
        if name == "provision":
            command.add_argument("what", choices=["servers", "namespace"])
        if name == "logs":
            command.add_argument("--id", help="an application, a task, an event: any id")
        if name == "test":
            command.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main(_parse()))
    except _EXPECTED as error:
        sys.exit(str(error))
