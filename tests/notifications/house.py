"""A house with customers and broadcasts, within a transaction that is rolled back or on a database of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.text.personal import mask_mobile
from mobile_contracts.messaging.consent import ConsentChannel
from mobile_contracts.messaging.outbound import Email, Purpose, Sms
from mobile_contracts.messaging.template import ByLanguage, Channel, TemplateNew, Texts, Variable
from notifications.broadcast import broadcast, expansion
from notifications.broadcast.broadcast import Wanted
from notifications.consent.consent import Word
from notifications.template import template as wording

_BRANCH = """
insert into unit (kind, code, name, parent_id)
select 'branch', $1, $1, id from unit where kind = 'company'
on conflict do nothing"""
_CUSTOMER = """
insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile, mobile_mask,
                      mobile_index, email, birthday, branch_id, opened_on, status, risk_level, risk_assessed_on,
                      investor_kind, source, digest)
select $1, $2, 'individual', 'id_card', '', '', '', $3, $4, $5, $6, $7, id, '2020-01-01', $8, 3, $9, 'ordinary', 't',
       ''
  from unit where kind = 'branch' and code = $10
returning id"""
KNOWN = {"g": frozenset(("sms", "email"))}
"""The gateway of these tests, and its channels."""

VALUES: dict[str, Mapping[str, str]] = {
    "care": {"words": "天气转凉,请注意保暖"},
    "announcement": {"title": "通知", "words": "本周六系统维护"},
    "promotion": {"title": "活动", "words": "欢迎参加"},
    "birthday": {},
}


_NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def _sms(message_id: UUID, to: str) -> Sms:
    return Sms(id=message_id, purpose="service", created_at=_NOW, expires_at=_NOW, attempt=1, to=to, sender="10690000",
               text="x", segments=1)  # fmt: skip


def _email(message_id: UUID, to: str) -> Email:
    return Email(id=message_id, purpose="service", created_at=_NOW, expires_at=_NOW, attempt=1, to=to, reply_to=None,
                 from_address="a@firm.cn", subject="x", text="x", html="", headers={})  # fmt: skip


def refusal(channel: ConsentChannel) -> Word:
    """A customer wants no more of these messages."""
    return Word(purpose="service", channel=channel, allowed=False, source="investor", evidence="app", by="investor:1")


class House:
    """Customers by the order in which they came; their numbers follow from their own."""

    def __init__(self, tx: Tx, settings: Settings) -> None:
        self.tx, self.settings = tx, settings
        self.fields, self.index = Fields(settings), BlindIndex(settings)
        self._customers = 0

    async def open(self) -> None:
        """The system sees every row from now on."""
        await apply_system(self.tx, "test", kind="company")
        await self.tx.execute(_BRANCH, "b1")

    def count_from(self, customers: int) -> None:
        """So many came before."""
        self._customers = customers

    async def customer(
        self, *, no: str = "", name: str = "张三", mobile: str | None = "", email: str | None = "",
        birthday: Any = None, status: str = "normal", assessed_on: Any = None, branch: str = "b1",
    ) -> int:  # fmt: skip
        """Makes a customer, by default with a number and an address of their own."""
        self._customers += 1
        no = no or f"8801{self._customers:04}"
        mobile = self.number(self._customers) if mobile == "" else mobile
        email = f"{no}@example.com" if email == "" else email
        sealed = None if mobile is None else self.fields.seal(mobile, Place("customer", "mobile", no))
        index = None if mobile is None else self.index.of("mobile", mobile)
        made: int = await self.tx.fetchval(
            _CUSTOMER, no, name, sealed, mobile and mask_mobile(mobile), index, email, birthday, status, assessed_on,
            branch,
        )  # fmt: skip
        return made

    async def approved(
        self, code: str, texts: Texts, variables: Sequence[str] = (), purpose: Purpose = "service"
    ) -> None:
        """Makes a template whose first version a second person has approved."""
        named = [Variable(name, "text") for name in variables]
        await wording.do_add_version(
            self.tx, code, TemplateNew(code, purpose, "", 3, named, ByLanguage(texts, texts)), "staff:1"
        )
        await wording.approve(self.tx, code, 1, "staff:2")

    async def product(self, code: str, *, risk_level: int = 3, status: str = "on") -> None:
        """Makes a product."""
        await self.tx.execute(
            "insert into product (product_code, name, category, risk_level, status, source, digest)"
            " values ($1, $1, 'advisory', $2, $3, 't', '')", code, risk_level, status,
        )  # fmt: skip

    @staticmethod
    def number(customer: int) -> str:
        """The mobile number of the customer who came so many-th."""
        return f"+861380013{customer:04}"

    async def started(
        self, *, template: str = "care", customers: Sequence[int], channels: Sequence[Channel] = ("sms",),
        **more: Any,
    ) -> UUID:  # fmt: skip
        """A broadcast that nobody has expanded."""
        purpose = (await wording.find(self.tx, template)).purpose
        wanted = Wanted(
            kind="test", template=template, purpose=purpose, channels=tuple(channels),
            values=more.pop("values", VALUES.get(template, {})), customer_ids=customers, by="system:test", **more,
        )  # fmt: skip
        return await broadcast.start(self.tx, wanted)

    async def queued(self, **given: Any) -> UUID:
        """A broadcast whose messages are made."""
        started = await self.started(**given)
        while await expansion.expand(self.tx, started):
            pass
        return started

    async def left(self, **given: Any) -> list[UUID]:
        """The messages of a new broadcast, handed over: each with what was sent, sealed as it is."""
        started = await self.queued(**given)
        rows = await self.tx.fetch(
            "select o.id, o.channel, coalesce(c.email, k.email) as email, c.customer_no, c.mobile"
            "  from outgoing o join customer c on c.id = o.customer_id left join contact k on k.customer_id = c.id"
            " where o.broadcast_id = $1 and o.state = 'queued' order by o.customer_id", started,
        )  # fmt: skip
        for row in rows:
            sms = row["channel"] == "sms"
            to = (
                self.fields.open(row["mobile"], Place("customer", "mobile", row["customer_no"]))
                if sms
                else row["email"]
            )
            text = msgspec.json.encode(_sms(row["id"], to) if sms else _email(row["id"], to)).decode()
            sealed = self.fields.seal(text, Place("outgoing", "content", str(row["id"])))
            await self.tx.execute(
                "update outgoing set state = 'sent', attempt = 1, content = $2 where id = $1", row["id"], sealed
            )
        return [row["id"] for row in rows]

    async def states(self, broadcast_id: UUID) -> dict[str, int]:
        """Messages by state."""
        return await self._counted("state", broadcast_id)

    async def reasons(self, broadcast_id: UUID) -> dict[str, int]:
        """Messages by the reason why they were skipped or failed."""
        return await self._counted("reason", broadcast_id)

    async def _counted(self, column: str, broadcast_id: UUID) -> dict[str, int]:
        rows = await self.tx.fetch("select state, reason from outgoing where broadcast_id = $1", broadcast_id)
        named = [row[column] for row in rows if row[column] is not None]
        return {name: named.count(name) for name in set(named)}
