"""A page that shows what the simulators were given to send; without scripts, everything escaped."""

import socket
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from hexad import ports
from hexad.simulators.mailbox import Letter, Mailbox
from kernel.settings import Settings

_SHOWN = 100
_SECONDS = 5.0
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Hexad mailbox</title>
<style>body {{ font: 15px/1.5 system-ui; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
article {{ border-top: 1px solid #ccc; padding: .6rem 0 }} header {{ color: #555 }}
pre {{ white-space: pre-wrap; margin: .3rem 0 }}
</style></head><body><h1>Mailbox</h1><p>What the simulators were given to send; none of it reached anybody.</p>
{letters}</body></html>
"""


def render(letters: list[Letter]) -> str:
    """The page for these letters."""
    return _PAGE.format(letters="\n".join(_article(letter) for letter in letters) or "<p>Nothing yet.</p>")


def _article(letter: Letter) -> str:
    head = f"{letter.when} · {letter.channel} · {letter.sender} → {letter.to}"
    subject = f"<strong>{escape(letter.subject)}</strong>" if letter.subject else ""
    lists = "".join(
        f"<br>{escape(name)}: {escape(value)}" for name, value in letter.headers.items() if name.startswith("List-")
    )
    return f"<article><header>{escape(head)}{lists}</header>{subject}<pre>{escape(letter.text)}</pre></article>"


class Page:
    """Serves `/` and `/health/ready` on a thread of its own, as a context manager."""

    def __init__(self, settings: Settings, mailbox: Mailbox) -> None:
        """Raises `Unavailable` when the port cannot be had."""
        with ports.explained(settings, "mailbox_port"):
            self._server = _Server(settings.simulator_host, settings.mailbox_port, mailbox)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mailbox", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS
    server_version, sys_version = "hexad", ""

    def do_GET(self) -> None:  # the name is http.server's
        match self.path:
            case "/":
                self._answer(200, render(self.server.mailbox.newest(_SHOWN)), "text/html; charset=utf-8")
            case "/health/live" | "/health/ready":
                self._answer(200, '{"status": "ok"}', "application/json")
            case _:
                self._answer(404, "there is only /", "text/plain; charset=utf-8")

    def _answer(self, status: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Who looks into the mailbox is not logged."""
