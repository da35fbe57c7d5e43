"""Rendering (模板渲染), pure: a text names its variables in braces, values take their places, and nothing is run.

`{name}` is each recipient's own; `{{` and `}}` are braces. A value is one line wherever it goes, so that no name can
begin a header or a paragraph, and it is escaped in HTML.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct, structs

from kernel.errors import FieldError, InvalidInput
from mobile_contracts.base import BLANK
from mobile_contracts.messaging.template import ByLanguage, Channel, EmailText, InAppText, Language, Texts, Variable
from notifications.template import limits

NAME = "name"
"""The variable that every text may use: what the recipient is called."""

_NAME_AT_MOST = 60
LONGEST_NAME = "名" * _NAME_AT_MOST
"""What a text is judged with: a source system may deliver longer ones, which `one_line` cuts."""

_PIECE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}|([{}])")
_BREAK = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_BREAKS = re.compile(f"[{_BREAK}]+")
_FORMS = {
    "text": re.compile(rf"[^{_BREAK}]+\Z"),
    "number": re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?\Z"),
    "money": re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?\Z"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"),
}
_WORDS = {
    "text": ("this is empty, or more than one line", "内容为空,或不止一行"),
    "number": ("this is no number such as 12.5", "应为数字,例如 12.5"),
    "money": ("this is no amount such as 1200.00", "应为金额,例如 1200.00"),
    "date": ("this is no day such as 2026-11-20", "应为日期,例如 2026-11-20"),
}
"""What a value of each type is, in English and Chinese."""


class Rendered(Struct, frozen=True):
    """The texts of one channel with every value but the names in place: each is what stands between the names."""

    parts: tuple[tuple[str, ...], ...]

    def of(self, name: str) -> list[str]:
        """The texts for one recipient."""
        return [name.join(part) for part in self.parts]


def check(variables: Sequence[Variable], texts: ByLanguage) -> None:
    """Raises `InvalidInput` naming every place where a version could not be rendered."""
    faults = list(_faults(variables, texts))
    if faults:
        raise InvalidInput(errors=faults)


def check_values(variables: Sequence[Variable], given: Mapping[str, str]) -> None:
    """Raises `InvalidInput` naming every value that is missing, unknown or of another type."""
    types = {one.name: one.type for one in variables}
    faults = [
        FieldError(f"values.{name}", "this value is missing", "缺少此变量") for name in types if name not in given
    ]
    for name, value in given.items():
        if name not in types:
            faults.append(FieldError(f"values.{name}", "the template has no such variable", "模板没有此变量"))
        elif not _is(types[name], value):
            faults.append(FieldError(f"values.{name}", *_WORDS[types[name]]))
    if faults:
        raise InvalidInput(errors=faults)


def check_seen(given: Mapping[str, str]) -> None:
    """Raises `InvalidInput` naming every value of which nothing can be seen: nobody starts such a text."""
    faults = [FieldError(f"values.{name}", *_WORDS["text"]) for name, value in given.items() if BLANK.fullmatch(value)]
    if faults:
        raise InvalidInput(errors=faults)


def prepare(
    texts: Texts, channel: Channel, variables: Sequence[Variable], given: Mapping[str, str], language: Language
) -> Rendered | None:
    """What one channel says, to be finished with a name; null when the template is not made for it.

    E-mail gives subject, text and HTML; in-app title and body. Raises `InvalidInput` as `check_values` does.
    """
    check_values(variables, given)
    values = {one.name: _shown(one, given[one.name], language) for one in variables}
    match channel:
        case "sms" if texts.sms is not None:
            return Rendered((_between(texts.sms, values, _plain),))
        case "email" if texts.email is not None:
            mail = texts.email
            plain = (_between(mail.subject, values, _plain), _between(mail.text, values, _plain))
            return Rendered((*plain, _between(mail.html, values, html.escape)))
        case "in_app" if texts.in_app is not None:
            return Rendered(tuple(_between(one, values, _plain) for one in (texts.in_app.title, texts.in_app.body)))
    return None


def in_one_line(text: str) -> str:
    """A value made of what somebody wrote: one line, empty where nothing can be seen of it."""
    line = " ".join(_BREAKS.sub(" ", text).split())
    return "" if BLANK.fullmatch(line) else line


def one_line(name: str) -> str:
    """A name fit for any header: one line of bounded length, whatever a source system delivered."""
    return " ".join(_BREAKS.sub(" ", name).split())[:_NAME_AT_MOST]


def render(
    texts: Texts, variables: Sequence[Variable], given: Mapping[str, str], name: str, language: Language
) -> Texts:
    """Every channel's text for one recipient, as a preview shows it."""
    plain, shown = one_line(name), Texts()
    if sms := prepare(texts, "sms", variables, given, language):
        shown = structs.replace(shown, sms=sms.of(plain)[0])
    if email := prepare(texts, "email", variables, given, language):
        subject, text, _ = email.of(plain)
        shown = structs.replace(shown, email=EmailText(subject, text, email.of(html.escape(plain))[2]))
    if texts.in_app and (in_app := prepare(texts, "in_app", variables, given, language)):
        title, body = in_app.of(plain)
        shown = structs.replace(shown, in_app=InAppText(title, body, texts.in_app.link))
    return shown


def _faults(variables: Sequence[Variable], texts: ByLanguage) -> Iterator[FieldError]:
    names = [one.name for one in variables]
    if NAME in names or len(set(names)) < len(names):
        yield FieldError("variables", "names are unique, and `name` is the recipient's", "变量名不得重复,name 为保留名")
    for language, text in (("zh", texts.zh), ("en", texts.en)):
        for field, words in _texts_of(text):
            yield from _faults_in(f"texts.{language}.{field}", words, {*names, NAME})
        yield from _astray(text, f"texts.{language}")
        for title, line in _titles_of(text):
            if _BREAKS.search(line):
                yield FieldError(f"texts.{language}.{title}", "this is one line", "须为一行")
        if text.sms and limits.fault("sms", [text.sms]):
            yield FieldError(f"texts.{language}.sms", "this is too long for an SMS", "短信过长")
    for channel in ("sms", "email", "in_app"):
        if (getattr(texts.zh, channel) is None) != (getattr(texts.en, channel) is None):
            yield FieldError(f"texts.en.{channel}", "both languages have the same channels", "中英文渠道须一致")
    if texts.zh == Texts():
        yield FieldError("texts.zh", "there must be a text for some channel", "至少须有一个渠道的内容")


def _astray(texts: Texts, field: str) -> Iterator[FieldError]:
    if texts.in_app and texts.in_app.link and not leads_within(texts.in_app.link):
        yield FieldError(
            f"{field}.in_app.link", "it leads within the app, from one slash", "须为应用内路径,以单个 / 开头"
        )


def leads_within(link: str) -> bool:
    """Whether a link stays in the app: two slashes would lead to another host."""
    return not link.startswith("//")


def _texts_of(texts: Texts) -> Iterator[tuple[str, str]]:
    for channel, text in msgspec.to_builtins(texts).items():
        if isinstance(text, str):
            yield channel, text
        elif text is not None:
            yield from ((f"{channel}.{part}", words) for part, words in text.items() if words and part != "link")


def _titles_of(texts: Texts) -> Iterator[tuple[str, str]]:
    if texts.email:
        yield "email.subject", texts.email.subject
    if texts.in_app:
        yield "in_app.title", texts.in_app.title


def _faults_in(field: str, text: str, names: set[str]) -> Iterator[FieldError]:
    if "\0" in text:
        yield FieldError(field, "there is a NUL in it", "含有空字符")
    for match in _PIECE.finditer(text):
        if match[2]:
            yield FieldError(field, "a brace stands alone: write {{ or }} for one", "花括号不成对,请写 {{ 或 }}")
        elif match[1] and match[1] not in names:
            yield FieldError(field, f"{{{match[1]}}} is no variable of the template", f"变量 {{{match[1]}}} 未定义")


def _is(kind: str, value: str) -> bool:
    if not _FORMS[kind].match(value):
        return False
    try:
        return kind != "date" or bool(date.fromisoformat(value))
    except ValueError:
        return False


def _shown(variable: Variable, value: str, language: Language) -> str:
    match variable.type:
        case "date" if language == "zh":
            day = date.fromisoformat(value)
            return f"{day.year}年{day.month}月{day.day}日"
        case "money":
            return f"{Decimal(value):,.2f}"
    return value


def _between(text: str, values: Mapping[str, str], escape: Callable[[str], str]) -> tuple[str, ...]:
    """The text with its values, cut where the recipient's name goes."""
    cut, at = [""], 0
    for match in _PIECE.finditer(text):
        cut[-1] += text[at : match.start()]
        at = match.end()
        if match[1] == NAME:
            cut.append("")
        else:
            cut[-1] += escape(values[match[1]]) if match[1] else match[0][0]
    cut[-1] += text[at:]
    return tuple(cut)


def _plain(value: str) -> str:
    return value
