"""A code becomes one message of the right words to the right number, and is forgotten here once it is handed over."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
import uuid_utils.compat as uuid

from identity.one_time_code import Codes, Destination, Owner
from kernel.errors import Unavailable
from kernel.queues.broker import open_queues
from kernel.queues.client import Queues
from kernel.security.crypto import BlindIndex, Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import CodeWanted
from mobile_contracts.messaging.outbound import Sms
from notifications.one_time_code import QUEUE
from tests.brokers import broker
from workers.messaging.one_time_code import send_code
from workers.runtime.registry import Means

__all__ = ["broker"]
MOBILE = "+8613812345678"


@pytest.fixture
async def queues(broker: Settings) -> AsyncIterator[Queues]:
    async with open_queues(broker) as opened:
        yield opened


async def wanted(database: Database, settings: Settings, purpose: str = "sign_in") -> tuple[UUID, str]:
    """A code that waits to be sent, by its id."""
    owner = msgspec.convert({"purpose": purpose, "audience": "investor", "subject": "880001", "device_id": "d"}, Owner)
    to = Destination(MOBILE, BlindIndex(settings).of("mobile", MOBILE))
    codes = Codes(settings, Fields(settings))
    async with database.transaction() as tx:
        return await codes.make(tx, owner, codes.asker("stranger", "880001", "d", "127.0.0.1"), to)


async def handed_over(database: Database, queues: Queues, settings: Settings, code_id: UUID) -> None:
    """Sends it as the worker does."""
    await send_code(CodeWanted(code_id=code_id), Means(settings, queues, database))


async def taken(queues: Queues) -> list[Sms]:
    """What the gateway finds."""
    return [msgspec.json.decode(one.body, type=Sms) for one in await queues.take(QUEUE, 10, lease=30, wait=1)]


@pytest.mark.parametrize(
    ("purpose", "words"), [("sign_in", "登录验证码为{code},5分钟"), ("password", "设置登录密码,验证码为{code},5分钟")]
)
async def test_one_message_under_the_codes_own_id(
    broker: Settings, database: Database, queues: Queues, purpose: str, words: str
) -> None:
    named = msgspec.structs.replace(broker, sms_signature="海星证券", sms_sender="106912345")
    code_id, code = await wanted(database, broker, purpose)
    await handed_over(database, queues, named, code_id)
    (sms,) = await taken(queues)
    assert (sms.id, sms.purpose, sms.to, sms.sender, sms.segments) == (
        code_id, "transactional", MOBILE, "106912345", 1,
    )  # fmt: skip
    assert sms.text.startswith("【海星证券】")
    assert words.format(code=code) in sms.text
    assert (sms.expires_at - sms.created_at).total_seconds() == 300
    async with database.transaction() as tx:
        assert await tx.fetchval("select sealed from one_time_code") is None
    await handed_over(database, queues, named, code_id)
    assert await taken(queues) == []


async def test_in_the_language_that_the_customer_prefers(broker: Settings, database: Database, queues: Queues) -> None:
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        await tx.execute(
            "with made as (insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index,"
            " branch_id, opened_on, status, investor_kind, source, digest)"
            " select '880001', 'C', 'individual', 'passport', '', '', '', id, '2020-01-01', 'normal', 'ordinary',"
            " 'test', '' from unit where kind = 'company' returning id)"
            " insert into preference (customer_id, language) select id, 'en' from made"
        )
    code_id, code = await wanted(database, broker)
    await handed_over(database, queues, broker, code_id)
    (sms,) = await taken(queues)
    assert sms.text == f"[Hexad] {code} is your sign-in code, good for 5 minutes. Give it to nobody, not even to us."
    assert sms.segments == 1, "Latin letters alone"


@pytest.mark.parametrize("change", ["expires_at = now()", "used_at = now()", "mobile = null", "sealed = null"])
async def test_what_is_of_no_use_any_more_is_not_sent(
    broker: Settings, database: Database, queues: Queues, change: str
) -> None:
    code_id, _ = await wanted(database, broker)
    async with database.transaction() as tx:
        await tx.execute(f"update one_time_code set {change}")
    await handed_over(database, queues, broker, code_id)
    await handed_over(database, queues, broker, uuid.uuid7())
    assert await taken(queues) == []
    async with database.transaction() as tx:
        assert await tx.fetchval("select sealed from one_time_code") is None


async def test_while_the_broker_is_away_the_code_is_kept(own_settings: Settings, database: Database) -> None:
    away = msgspec.structs.replace(own_settings, broker_url="amqp://guest:guest@127.0.0.1:1/")
    code_id, _ = await wanted(database, own_settings)
    async with open_queues(away) as nowhere:
        with pytest.raises(Unavailable):
            await handed_over(database, nowhere, away, code_id)
    async with database.transaction() as tx:
        assert await tx.fetchval("select sealed from one_time_code") is not None
