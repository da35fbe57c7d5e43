"""What the steps of the story share: where the system is, who plays, and what the steps before left."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx2
from msgspec import Struct

from hexad import ports
from hexad.tour.cast import Authenticator, Cast
from hexad.tour.client import App, Line
from hexad.tour.letters import Letters
from kernel.security.scope import Audience
from kernel.settings import Settings
from notifications.broadcast import hours

_CALL_SECONDS = 10.0


class Done(Struct, frozen=True):
    """One thing that was as promised, and the seconds since the one before it."""

    what: str
    seconds: float


class Stage:
    """One telling of the story."""

    broker: App
    broker_line: Line
    chatting: App
    subscribers: tuple[App, App]
    product_code: str

    def __init__(
        self, settings: Settings, cast: Cast, http: httpx2.AsyncClient, say: Callable[[Done], None],
        held: contextlib.AsyncExitStack,
    ) -> None:  # fmt: skip
        self.settings, self.cast, self.letters, self.held = settings, cast, Letters(settings.var), held
        self.authenticators = {
            one.subject: Authenticator(one.authenticator) for one in (cast.broker, cast.colleague, cast.adviser)
        }
        self._http, self._say, self._since = http, say, time.monotonic()

    @property
    def night(self) -> bool:
        """Whether nobody may be written to just now, so that care and views wait for the morning."""
        return hours.of(self.settings, "service").end(datetime.now(UTC)) is None

    def tell(self, what: str) -> None:
        """Says what was just found to be as promised."""
        now = time.monotonic()
        self._say(Done(what, round(now - self._since, 3)))
        self._since = now

    def app(self, audience: Audience) -> App:
        """A new device that nobody has signed in on."""
        return App(self._http, f"ws://{ports.address(self.settings, 'realtime_port')}/ws", audience)

    async def staff(self, employee_no: str, password: str) -> App:
        """A member of staff on a new device, signed in by password and authenticator."""
        app, code = self.app("staff"), self.authenticators[employee_no].code()
        await app.sign_in("staff/sign-in", {"employee_no": employee_no, "password": password, "totp": code})
        return app

    async def investor(self, customer_no: str, password: str) -> App:
        """An investor on a new terminal, signed in by password."""
        app = self.app("investor")
        await app.sign_in("investor/sign-in", {"login": customer_no, "password": password})
        return app


@contextlib.asynccontextmanager
async def set_up(settings: Settings, cast: Cast, say: Callable[[Done], None]) -> AsyncIterator[Stage]:
    """A stage whose connections end with the block."""
    async with contextlib.AsyncExitStack() as held:
        base = f"http://{ports.address(settings, 'api_port')}"
        http = httpx2.AsyncClient(base_url=base, timeout=_CALL_SECONDS, trust_env=False)
        yield Stage(settings, cast, await held.enter_async_context(http), say, held)
