"""A link of ours ends one person's messages; one that was changed, made up or kept too long does nothing."""

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.errors import NotFound
from kernel.security.crypto import Fields
from kernel.settings import Settings
from notifications.consent import unsubscribe
from tests.conftest import random_key


def link(settings: Settings, customer_id: int, purpose: str) -> str:
    """The link for a mail program."""
    return unsubscribe.link(settings, unsubscribe.token(Fields(settings), customer_id, purpose))


def token_of(address: str) -> str:
    """What the link carries."""
    return parse_qs(urlsplit(address).query)["token"][0]


def test_who_cannot_follow_a_link_writes_to_where_bounces_go(settings: Settings) -> None:
    named = msgspec.structs.replace(settings, smtp_bounce="bounce@firm.cn")
    for chosen, address in ((named, "bounce@firm.cn"), (settings, "no-reply@hexad.example")):
        token = unsubscribe.token(Fields(chosen), 42, "marketing")
        parts = urlsplit(unsubscribe.header(chosen, token).partition(", <")[2].removesuffix(">"))
        assert (parts.scheme, parts.path) == ("mailto", address)
        wish = unsubscribe.SUBJECT.fullmatch(parse_qs(parts.query)["subject"][0])
        assert wish is not None
        assert unsubscribe.wish(Fields(chosen), wish[1]).customer_id == 42


def test_a_link_says_who_wants_no_more_of_what_and_can_be_a_header(settings: Settings) -> None:
    address = link(settings, 42, "marketing")
    found = unsubscribe.wish(Fields(settings), token_of(address))
    assert (found.customer_id, found.purpose) == (42, "marketing")
    assert address.isascii()
    assert len(address) < 600


def test_nothing_of_the_person_can_be_read_in_it_and_no_two_are_alike(settings: Settings) -> None:
    one, other = (link(settings, 880000001, "marketing") for _ in range(2))
    assert one != other
    assert "880000001" not in one


def test_it_stands_under_the_public_address(settings: Settings) -> None:
    public = msgspec.structs.replace(settings, public_url="https://hexad.firm.cn/")
    assert link(public, 1, "service").startswith("https://hexad.firm.cn/v1/auth/unsubscribe?token=")
    six = msgspec.structs.replace(settings, api_host="::1", api_port=8000)
    assert link(six, 1, "service").startswith("http://[::1]:8000/v1/auth/unsubscribe?token=")


@bounded(deadline=None)
@given(place=st.integers(0, 200), letter=st.sampled_from("Aa0_-"))
def test_a_link_that_was_changed_is_none(base_settings: Settings, place: int, letter: str) -> None:
    token = token_of(link(base_settings, 42, "marketing"))
    place %= len(token) - 1  # the last character has bits that say nothing
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(NotFound):
            unsubscribe.wish(Fields(base_settings), changed)


@bounded(deadline=None)
@given(st.text(max_size=300))
def test_whatever_is_made_up_is_none(base_settings: Settings, token: str) -> None:
    with pytest.raises(NotFound):
        unsubscribe.wish(Fields(base_settings), token)


def test_one_of_another_key_or_of_last_year_is_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    other = msgspec.structs.replace(settings, field_keys=f"k1:{random_key()}")
    with pytest.raises(NotFound):
        unsubscribe.wish(Fields(settings), token_of(link(other, 1, "marketing")))
    monkeypatch.setattr(unsubscribe, "_SECONDS", -1)
    with pytest.raises(NotFound):
        unsubscribe.wish(Fields(settings), token_of(link(settings, 1, "marketing")))
