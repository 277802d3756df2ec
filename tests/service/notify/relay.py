"""A mail relay of the tests' own: takes SMTP on loopback and answers as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

Answer = Callable[[int], str]


class Relay:
    """What came in. `answer(n)` gives the reply to the n-th mail (from 1); "drop" hangs up after taking it.

    `refusing` replies to a verb instead ("AUTH": "535 no"); a `silent` relay takes the connection and says
    nothing.
    """

    def __init__(self, answer: Answer, refusing: Mapping[str, str], silent: bool) -> None:
        self.answer = answer
        self.refusing = refusing
        self.silent = silent
        self.tries = 0
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.port = 0
        self.goes_on = asyncio.Event()  # cleared by a test: the answer to a mail waits for it
        self.goes_on.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        if self.silent:
            await reader.read()
            writer.close()
            return
        await say("220 relay.test")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper()
            if reply := self.refusing.get(verb[:4]):
                await say(reply)
            elif verb.startswith("EHLO"):
                await say("250-relay.test\r\n250 AUTH PLAIN")
            elif verb.startswith("DATA"):
                await say("354 go on")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                self.tries += 1
                await self.goes_on.wait()
                reply = self.answer(self.tries)
                if reply.startswith("250") or reply == "drop":
                    self.taken.append(message_from_bytes(raw, policy=policy.default))
                if reply == "drop":
                    break
                await say(reply)
            elif verb.startswith("AUTH"):
                await say("235 welcome")
            elif verb.startswith("QUIT"):
                await say("221 bye")
                break
            else:
                if verb.startswith("RCPT"):
                    self.recipients.append(line.partition(":")[2].strip())
                await say("250 ok")
        writer.close()


@asynccontextmanager
async def relay(
    answer: Answer = lambda n: "250 taken",
    *,
    refusing: Mapping[str, str] | None = None,
    silent: bool = False,
) -> AsyncIterator[Relay]:
    """A relay that listens while the block runs."""
    made = Relay(answer, refusing or {}, silent)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
