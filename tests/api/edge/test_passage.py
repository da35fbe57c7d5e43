"""What every answer bears, those that the gate gives without the application included."""

from typing import Any

import pytest

from api.edge.passage import Passage
from kernel.errors import TooSlow
from kernel.settings import Settings


@pytest.mark.parametrize("last", [True, False])
async def test_a_refusal_says_when_the_connection_ends_with_it(settings: Settings, *, last: bool) -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"path": "/v1/x", "method": "POST", "headers": [(b"accept-language", b"en")]}
    await Passage(scope, send, "10.0.0.1").refuse(TooSlow(), settings, last=last)
    headers = dict(said[0]["headers"])
    assert (said[0]["status"], headers.get(b"connection") == b"close") == (408, last)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-request-id"].decode() in said[1]["body"].decode()
