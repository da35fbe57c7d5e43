"""Consent (同意): who wants, or does not want, to be told what by which channel, since when, and how that is proven."""

from datetime import datetime
from typing import Literal

from mobile_contracts.base import Answer, Input, Reason
from mobile_contracts.messaging.template import Topic

ConsentPurpose = Literal["service", "marketing"]
ConsentChannel = Literal["sms", "email", "push", "in_app"]
ConsentSource = Literal["investor", "staff", "reply", "link"]


class Consent(Answer, frozen=True):
    """A word given; an empty `topic` is every topic of the purpose; null `ended_at` is in force."""

    purpose: ConsentPurpose
    channel: ConsentChannel
    topic: str
    allowed: bool
    source: ConsentSource
    evidence: str
    at: datetime
    ended_at: datetime | None


class ConsentGiven(Input, frozen=True):
    """What a customer says through staff; `evidence` says how it can be proven: the contract, the recorded call."""

    purpose: ConsentPurpose
    channel: ConsentChannel
    allowed: bool
    evidence: Reason
    topic: Topic = ""


class OwnConsent(Input, frozen=True):
    """What an investor says in the terminal; their session is the evidence."""

    purpose: ConsentPurpose
    channel: ConsentChannel
    allowed: bool
    topic: Topic = ""
