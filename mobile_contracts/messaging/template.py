"""Templates (模板) of messages: named, in versions, in Chinese and English, with typed variables and nothing to run."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mobile_contracts.base import NO_CONTROLS, Answer, Input
from mobile_contracts.messaging.outbound import Purpose

Language = Literal["zh", "en"]
Channel = Literal["sms", "email", "in_app"]
"""What a broadcast can leave by; pushes follow notices."""

VariableType = Literal["text", "number", "money", "date"]
"""A line of text, a decimal, an amount in yuan, an ISO day."""

Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*\Z")]
Topic = Annotated[str, Meta(max_length=40, pattern=r"^([a-z][a-z0-9_]*)?\Z")]
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_CONTROLS)]
Values = Annotated[
    dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=500)]],
    Meta(max_length=20, description="the template's variables by name; `name` is each recipient's own"),
]


class Variable(Struct, frozen=True, forbid_unknown_fields=True):
    """What a text may name in braces, `{day}`."""

    name: Code
    type: VariableType


class EmailText(Struct, frozen=True, forbid_unknown_fields=True):
    """Both parts say the same; values are escaped in `html`."""

    subject: Line
    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    html: Annotated[str, Meta(min_length=1, max_length=100_000)]


class InAppText(Struct, frozen=True, forbid_unknown_fields=True):
    """A notice; `link` leads within the app."""

    title: Line
    body: Annotated[str, Meta(min_length=1, max_length=2000)]
    link: Annotated[str, Meta(max_length=200, pattern=r"^/[A-Za-z0-9/_.-]*\Z")] | None = None


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said in one language, by each channel that the template is made for."""

    sms: Annotated[str, Meta(min_length=1, max_length=500, pattern=NO_CONTROLS)] | None = None
    email: EmailText | None = None
    in_app: InAppText | None = None


class ByLanguage(Struct, frozen=True, forbid_unknown_fields=True):
    """The same in Chinese and English."""

    zh: Texts
    en: Texts


class TemplateNew(Input, frozen=True):
    """A new version of a template, of a new one too; a second person approves it."""

    name: Line
    purpose: Purpose
    topic: Topic
    most: Annotated[int, Meta(ge=1, le=100, description="messages per person in 24 hours")]
    variables: Annotated[list[Variable], Meta(max_length=20)]
    texts: ByLanguage


class TemplateLine(Answer, frozen=True):
    """A template; `approved` is the version that is sent, null before the first approval."""

    code: str
    name: str
    purpose: Purpose
    topic: str
    most: int
    newest: int
    approved: int | None


class TemplateVersion(Answer, frozen=True):
    """One version, which never changes but for its approval."""

    code: str
    number: int
    variables: list[Variable]
    texts: ByLanguage
    made_by: str
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class PreviewWanted(Input, frozen=True):
    """For whom, in which language and with which values to render."""

    language: Language
    values: Values
    name: Line = "张三"


class Preview(Answer, frozen=True):
    """What would be sent, and how many text messages the SMS costs."""

    texts: Texts
    segments: int | None
