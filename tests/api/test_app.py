"""The application as a whole: what it needs to start, and that it closes what it opened."""

import msgspec
import pytest

from api.app import create
from kernel.errors import Misconfigured
from kernel.settings import Settings
from tests.api.conftest import Open


def test_without_a_key_for_tokens_it_says_how_to_make_one(own_settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_TOKEN_KEY"):
        create(msgspec.structs.replace(own_settings, token_key=""))


async def test_it_opens_without_a_database_and_closes(open_api: Open, own_settings: Settings) -> None:
    away = own_settings.database_url.replace("/run", "/nowhere")
    async with open_api(msgspec.structs.replace(own_settings, database_url=away)) as client:
        assert (await client.get("/health/live")).status_code == 200
