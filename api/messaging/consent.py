"""Consent: what customers agreed to be told by which channel, kept word by word for the day it must be proven."""

from litestar import Router, put
from litestar.params import JSONBody

from api.customer.customer import No
from api.edge.dependencies import Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from centers.customer.customer import find as find_customer
from mobile_contracts.messaging.consent import Consent, ConsentGiven, OwnConsent
from notifications.consent import consent
from notifications.consent.consent import Word


@get("/customers/{customer_no:str}/consents", guards=[may("customer.read")], summary="A customer's consents")
async def list_consents(tx: Tx, who: Who, customer_no: No) -> list[Consent]:
    """What is in force first, then what it replaced."""
    return await consent.list_of(tx, (await find_customer(tx, who, customer_no)).id)


@put("/customers/{customer_no:str}/consents", guards=[may("customer.change")], summary="Note what a customer says")
async def note_consent(tx: Tx, who: Who, customer_no: No, data: JSONBody[ConsentGiven]) -> Consent:
    """Takes the place of the word before; withdrawn, nothing of that kind leaves once this has answered.

    409 `withdrawn_by_customer` where the customer withdrew it themselves, and staff would allow it again.
    """
    customer = await find_customer(tx, who, customer_no)
    await consent.check_topic(tx, data.topic)
    word = Word(
        purpose=data.purpose, channel=data.channel, topic=data.topic, allowed=data.allowed, source="staff",
        evidence=data.evidence, by=who.principal.name,
    )  # fmt: skip
    return await consent.give(tx, customer.id, word)


@get("/consents", guards=[may("self.read")], summary="One's consents")
async def list_own(tx: Tx, who: Who) -> list[Consent]:
    """What is in force first, then what it replaced."""
    return await consent.list_of(tx, await consent.customer_id(tx, who.principal.subject))


@put("/consents", guards=[may("self.change")], summary="Say what one wants to be told")
async def say(tx: Tx, who: Who, data: JSONBody[OwnConsent]) -> Consent:
    """In effect at once: withdrawn, nothing of that kind leaves once this has answered."""
    await consent.check_topic(tx, data.topic)
    evidence = " on ".join(filter(None, (f"session {who.principal.session_id}", who.principal.device_id)))
    word = Word(
        purpose=data.purpose, channel=data.channel, topic=data.topic, allowed=data.allowed, source="investor",
        evidence=evidence, by=who.principal.name,
    )  # fmt: skip
    return await consent.give(tx, await consent.customer_id(tx, who.principal.subject), word)


staff = Router("", route_handlers=[list_consents, note_consent], tags=["Consent"])
investor = Router("", route_handlers=[list_own, say], tags=["Consent"])
