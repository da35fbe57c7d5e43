"""What `hexad up` tells once everything is ready: where things are, and how to get in."""

import asyncio
from collections.abc import Mapping

from hexad import ports, signin
from kernel.security.scope import Audience
from kernel.settings import Settings, words

_PEOPLE: tuple[tuple[Audience, str, str, str], ...] = (
    ("staff", "10086", "administrator", "/v1/staff/jobs"),
    ("investor", "880000001", "investor", "/v1/investor/calendar"),
)
"""Who is signed in, with which role, and what they may read first."""


def welcome(settings: Settings, health: Mapping[str, str], seconds: float) -> str:
    """The text; `health` names the setting of each process's health port. Makes tokens, so it may raise."""
    lines = ["", f"Hexad is ready after {seconds:.1f} s. Ctrl-C stops everything.", ""]
    lines += _addresses(settings, health)
    lines += ["", f"Sign-ins, good for {signin.life(settings)}; `hexad token --help` says how to make more:"]
    lines += _sign_ins(settings)
    return "\n".join([*lines, ""])


def _addresses(settings: Settings, health: Mapping[str, str]) -> list[str]:
    def at(port: str) -> str:
        return ports.address(settings, port)

    mail = "smtp" in health
    return [
        f"  API        http://{at('api_port')}",
        f"  docs       http://{at('api_port')}/docs/auth  (begin here: how to sign in)",
        *(f"  docs       http://{at('api_port')}/docs/{audience}" for audience in words(settings.audiences)),
        f"  WebSocket  ws://{at('realtime_port')}/ws",
        *([f"  mailbox    http://{at('mailbox_port')}/", f"  SMTP       {at('smtp_simulator_port')}"] if mail else []),
        *(f"  health     http://{at(port)}/health/ready  ({name})" for name, port in health.items()),
    ]


def _sign_ins(settings: Settings) -> list[str]:
    lines = []
    for audience, subject, role, path in _PEOPLE:
        if audience in words(settings.audiences):
            token = asyncio.run(signin.issue(settings, audience, subject, [role]))
            url = f"http://{ports.address(settings, 'api_port')}{path}"
            lines += ["", f"  {audience} {subject} ({role})", f"  curl -H 'Authorization: Bearer {token}' {url}"]
    return lines
