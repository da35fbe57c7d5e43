"""A text is filled and nothing else: no value runs, no name breaks a header, what is missing is said."""

import html
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from mobile_contracts.messaging.template import ByLanguage, EmailText, InAppText, Texts, Variable
from notifications.template import rendering

DAY, MONEY, WORDS = Variable("day", "date"), Variable("sum", "money"), Variable("words", "text")
MAIL = EmailText("{name}: {words}", "{words}\n{name}", "<p>{words} {name}</p>")


def both(**texts: Any) -> ByLanguage:
    """The same in both languages."""
    return ByLanguage(Texts(**texts), Texts(**texts))


def faults(error: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {one.field: one.message for one in error.value.errors}


def test_values_and_the_name_take_their_places() -> None:
    texts = Texts(sms="{name},{day},{sum} {{不变}}", in_app=InAppText("t {name}", "{day}", "/x"))
    given = {"day": "2026-11-05", "sum": "1234567.5"}
    zh = rendering.render(texts, [DAY, MONEY], given, "张三", "zh")
    assert zh.sms == "张三,2026年11月5日,1,234,567.50 {不变}"
    assert zh.in_app == InAppText("t 张三", "2026年11月5日", "/x")
    assert rendering.render(texts, [DAY, MONEY], given, "张三", "en").sms == "张三,2026-11-05,1,234,567.50 {不变}"


def test_html_is_escaped_and_text_is_not() -> None:
    made = rendering.render(Texts(email=MAIL), [WORDS], {"words": "<b>&"}, '"><script>', "zh").email
    assert made is not None
    assert made.html == "<p>&lt;b&gt;&amp; &quot;&gt;&lt;script&gt;</p>"
    assert made.subject == '"><script>: <b>&'


@given(st.text(max_size=80), st.text(max_size=30))
def test_no_name_begins_a_header_and_no_value_is_a_template(name: str, words: str) -> None:
    given_words = "".join(character for character in words if character.isprintable()) or "x"
    made = rendering.render(Texts(email=MAIL), [WORDS], {"words": given_words + "{name}"}, name, "zh").email
    assert made is not None
    assert not set(made.subject) & set("\r\n\0\x85\u2028\u2029")
    assert made.subject == f"{rendering.one_line(name)}: {given_words}{{name}}", "a value is never filled again"
    assert html.unescape(made.html) == f"<p>{given_words}{{name}} {rendering.one_line(name)}</p>"


def test_a_header_injected_into_a_name_becomes_a_blank() -> None:
    assert rendering.one_line("张三\r\nBcc: evil@example.com\0") == "张三 Bcc: evil@example.com"
    assert len(rendering.one_line("长" * 500)) == 60


def test_what_is_missing_unknown_or_mistyped_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as error:
        rendering.check_values([DAY, MONEY, WORDS], {"day": "2026-02-30", "sum": "1.234", "other": "x"})
    assert faults(error) == {
        "values.words": "this value is missing", "values.day": "this is no day such as 2026-11-20",
        "values.sum": "this is no amount such as 1200.00",
        "values.other": "the template has no such variable",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (WORDS, "a\nb"), (WORDS, ""), (WORDS, "\u202eabc"), (DAY, "20261105"), (DAY, "2026-11-05\n"), (MONEY, "NaN"),
        (MONEY, "1e5"), (MONEY, "١"), (Variable("n", "number"), "1_000"), (Variable("n", "number"), "9" * 400),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(variable: Variable, value: str) -> None:
    with pytest.raises(InvalidInput):
        rendering.check_values([variable], {variable.name: value})


def test_a_version_that_could_not_be_rendered_is_refused() -> None:
    with pytest.raises(InvalidInput) as error:
        rendering.check(
            [DAY],
            ByLanguage(Texts(sms="{dya} {", email=MAIL), Texts(sms="{day.__class__}", in_app=InAppText("t", "b"))),
        )
    assert set(faults(error)) == {
        "texts.zh.sms", "texts.zh.email.subject", "texts.zh.email.text", "texts.zh.email.html", "texts.en.sms",
        "texts.en.email", "texts.en.in_app",
    }  # fmt: skip
    for variables, texts in (([Variable("name", "text")], both(sms="x")), ([DAY, DAY], both(sms="x")), ([], both())):
        with pytest.raises(InvalidInput):
            rendering.check(variables, texts)
    with pytest.raises(InvalidInput) as error:
        rendering.check([], both(sms="长" * 700))
    assert set(faults(error)) == {"texts.zh.sms", "texts.en.sms"}


@pytest.mark.parametrize(("link", "refused"), [("/products/A1", False), ("/", False), ("//evil.example", True)])
def test_a_link_leads_within_the_app(link: str, *, refused: bool) -> None:
    texts = ByLanguage(Texts(in_app=InAppText("t", "b", link)), Texts(in_app=InAppText("t", "b", link)))
    if not refused:
        rendering.check([], texts)
        return
    with pytest.raises(InvalidInput) as error:
        rendering.check([], texts)
    assert set(faults(error)) == {"texts.zh.in_app.link", "texts.en.in_app.link"}


def test_a_channel_that_the_template_is_not_made_for_says_nothing() -> None:
    assert rendering.prepare(Texts(sms="x"), "email", [], {}, "zh") is None
    assert msgspec.to_builtins(rendering.render(Texts(sms="x"), [], {}, "n", "zh")) == {
        "sms": "x", "email": None, "in_app": None,
    }  # fmt: skip
