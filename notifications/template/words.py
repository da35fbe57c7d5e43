"""What broadcasts say, prepared once for all their recipients: by language and channel, everything but the name."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Protocol
from uuid import UUID

import msgspec

from kernel.errors import FieldError, InvalidInput
from kernel.settings import Settings
from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Purpose
from mobile_contracts.messaging.template import Channel, Language, TemplateVersion
from notifications.channel.sms import opt_out, signed
from notifications.template import limits
from notifications.template.rendering import LONGEST_NAME, Rendered, leads_within, prepare
from notifications.template.template import find_version

_KEPT = 500
_LANGUAGES: tuple[Language, Language] = ("zh", "en")
_LONGEST = Settings(sms_signature="签" * 20, sms_signature_latin="S" * 20)
"""Signatures as long as settings take them: what is started is good whatever they are set to."""


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
        self._settings = settings
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
        """Where a notice leads: within the app, whatever was approved before that was asked of a link."""
        texts = (await find_version(tx, one.template, one.template_version)).texts.zh
        link = texts.in_app.link if texts.in_app else None
        return link if link and leads_within(link) else None

    async def _prepare(self, tx: Tx, one: Saying, channel: Channel) -> dict[Language, Rendered]:
        version = await find_version(tx, one.template, one.template_version)
        given = msgspec.json.decode(one.given, type=dict[str, str])
        prepared: dict[Language, Rendered] = {}
        for language in _LANGUAGES:
            made = prepare(getattr(version.texts, language), channel, version.variables, given, language)
            if made is not None:
                sms = channel == "sms"
                prepared[language] = dressed(self._settings, made, one.purpose, language) if sms else made
        return prepared


def dressed(settings: Settings, made: Rendered, purpose: Purpose, language: Language) -> Rendered:
    """A text message signed, and with its way out where it is marketing; what it ends with is known by now."""
    pieces = list(made.parts[0])
    if purpose == "marketing":
        pieces[-1] += opt_out(pieces[-1], language)
    pieces[0] = signed(settings, pieces[0], language)
    return Rendered((tuple(pieces),))


def check_lengths(
    version: TemplateVersion, purpose: Purpose, channels: Sequence[Channel], given: Mapping[str, str]
) -> None:
    """Raises `InvalidInput` for what is too long as it leaves: with its values, the longest name and signature."""
    for language, channel in product(_LANGUAGES, channels):
        made = prepare(getattr(version.texts, language), channel, version.variables, given, language)
        if made is None:
            continue
        leaving = dressed(_LONGEST, made, purpose, language) if channel == "sms" else made
        if fault := limits.fault(channel, leaving.of(LONGEST_NAME)):
            raise InvalidInput(errors=[FieldError("values", *fault)])
