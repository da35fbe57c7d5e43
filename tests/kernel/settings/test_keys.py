"""Keys: 32 bytes in base64 or one sentence that names the variable."""

import base64

import pytest

from kernel.errors import Misconfigured
from kernel.settings.keys import field_keys, gateway_keys, key

GOOD = base64.b64encode(bytes(range(32))).decode()


def test_a_key_is_its_bytes() -> None:
    assert key("HEXAD_TOKEN_KEY", GOOD) == bytes(range(32))


@pytest.mark.parametrize("wrong", ["", "zz", "abc", GOOD[:-1], GOOD + GOOD, f" {GOOD}", "钥匙"])
def test_a_wrong_key_names_its_variable_and_is_not_repeated(wrong: str) -> None:
    with pytest.raises(Misconfigured, match=r"^A setting .* HEXAD_INDEX_KEY must be 32 bytes in base64") as error:
        key("HEXAD_INDEX_KEY", wrong)
    assert not wrong.strip() or wrong not in error.value.detail.replace("base64", "")


def test_field_keys_come_in_their_order() -> None:
    assert list(field_keys(f"k2:{GOOD}, k1:{GOOD},")) == ["k2", "k1"]


@pytest.mark.parametrize("wrong", ["", ",", "k1", "k1:abc", GOOD, f":{GOOD}", f"k-1:{GOOD}", f"k1:{GOOD},k1:{GOOD}"])
def test_wrong_field_keys_name_the_variable(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_FIELD_KEYS"):
        field_keys(wrong)


def test_a_gateway_may_have_two_secrets_while_they_change_and_says_none_of_them() -> None:
    old, new = gateway_keys(f"cmcc-1:{'o' * 32}:service+marketing, cmcc-1:{'n' * 32},")
    assert (old.name, old.secret, set(old.purposes)) == ("cmcc-1", b"o" * 32, {"service", "marketing"})
    assert (new.secret, sorted(new.purposes)) == (b"n" * 32, [])
    assert "o" * 32 not in repr(old)


@pytest.mark.parametrize("wrong", ["x", "a:b", f"a:{'s' * 31}", f"A:{'s' * 32}", f"a:{'s' * 32}:all", f":{'s' * 32}"])
def test_wrong_gateway_secrets_name_the_variable_and_are_not_repeated(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_GATEWAY_SECRETS") as error:
        gateway_keys(wrong)
    assert "sssss" not in error.value.detail
