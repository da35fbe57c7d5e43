"""What broadcasts say, prepared once for all their recipients: by language and channel, everything but the name."""

from collections import OrderedDict
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import structs

from kernel.database import Tx
from kernel.settings import Settings
from mobile_contracts.outbound import Purpose
from mobile_contracts.template import Channel, Language, Texts
from notifications import wording
from notifications.sms import signed
from notifications.template import Rendered, prepare

_KEPT = 500
_OPT_OUT: dict[Language, str] = {"zh": "拒收请回复T", "en": " Reply T to opt out"}
_LANGUAGES: tuple[Language, Language] = ("zh", "en")


class Saying(Protocol):
    """What a broadcast tells of its words."""

    @property
    def id(self) -> UUID: ...
    @property
    def purpose(self) -> Purpose: ...
    @property
    def template(self) -> str: ...
    @property
    def template_version(self) -> int: ...
    @property
    def given(self) -> str: ...


class Words:
    """Remembers the last few hundred: a version never changes, nor do the values of a broadcast."""

    def __init__(self, settings: Settings) -> None:
        self._signature = settings.sms_signature
        self._known: OrderedDict[tuple[UUID, str], dict[Language, Rendered]] = OrderedDict()
        self._links: dict[tuple[str, int], str | None] = {}

    async def of(self, tx: Tx, one: Saying, channel: Channel) -> dict[Language, Rendered]:
        """The texts of one channel by language; an SMS is signed and says how to opt out where it is marketing."""
        known = self._known.get((one.id, channel))
        if known is None:
            known = await self._prepare(tx, one, channel)
            self._known[one.id, channel] = known
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    async def link(self, tx: Tx, one: Saying) -> str | None:
        """Where a notice leads."""
        texts = (await wording.find_version(tx, one.template, one.template_version)).texts.zh
        return texts.in_app.link if texts.in_app else None

    async def _prepare(self, tx: Tx, one: Saying, channel: Channel) -> dict[Language, Rendered]:
        version = await wording.find_version(tx, one.template, one.template_version)
        given = msgspec.json.decode(one.given, type=dict[str, str])
        prepared: dict[Language, Rendered] = {}
        for language in _LANGUAGES:
            texts = self._dressed(getattr(version.texts, language), one.purpose, language)
            made = prepare(texts, channel, version.variables, given, language)
            if made is not None:
                prepared[language] = made
        return prepared

    def _dressed(self, texts: Texts, purpose: Purpose, language: Language) -> Texts:
        if texts.sms is None:
            return texts
        end = _OPT_OUT[language] if purpose == "marketing" else ""
        return structs.replace(texts, sms=signed(self._signature, texts.sms + end))
