"""A wrong setting names its variable, a secret is never shown, and what contradicts itself is refused."""

import os
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel import settings as module
from kernel.errors import Misconfigured
from kernel.settings import PREFIX, Settings, environment, parse, shown

NAMES = [field.name for field in msgspec.structs.fields(Settings)]
NUMBERS = [name for name, kind in get_type_hints(Settings).items() if kind in (int, float)]


def refusal(**given: str) -> str:
    with pytest.raises(Misconfigured) as error:
        parse({PREFIX + name.upper(): value for name, value in given.items()})
    return str(error.value)


def test_without_variables_the_defaults_hold() -> None:
    assert parse({"PATH": "/bin"}) == Settings()


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_meaning(name: str) -> None:
    assert len(module.meta(name).description or "") > 10


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", ["", "x", "nan", "inf", "-1e9", "1e400", "0x10", "1,5", "12 34"])
def test_every_wrong_number_names_its_variable(name: str, wrong: str) -> None:
    said = refusal(**{name: wrong})
    assert PREFIX + name.upper() in said
    assert (module.meta(name).description or "") in said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("log_level", "LOUD"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("metrics_from", "everybody"),
        ("audiences", "staff,public"),
        ("audiences", ""),
        ("simulators", "sms,smpt"),
        ("database_url", "mysql://x"),
        ("owner_url", "oracle://x"),
        ("broker_url", "redis://x"),
        ("otlp_endpoint", "collector:4318"),
        ("queue_prefix", "a b"),
        ("api_port", "65536"),
        ("api_port", "8000.5"),
        ("var", ""),
        ("var", "one\ntwo"),
        ("field_keys", "k1"),
        ("field_keys", "k1:abc"),
        ("index_key", "zz"),
        ("token_key", "short"),
        ("minimum_app_version", "abc"),
        ("minimum_app_version", "1.2.3-beta"),
        ("sms_signature", "【Hexad】"),
        ("sms_signature", "a b"),
        ("sms_sender", "+8610690000"),
        ("oidc_issuer", "http://provider.test"),
        ("oidc_issuer", "https://user@provider.test"),
        ("oidc_issuer", "https://provider.test/realm?x=1"),
        ("oidc_claim", ""),
        ("store_url", "javascript:1"),
        ("store_url", "javascript://x/%0aalert(1)"),
        ("store_url", "store.test/hexad"),
        ("store_url", "https://store.test/\nX: y"),
        ("gateways", "CMCC 1"),
        ("gateway_secrets", "cmcc-1:short"),
        ("gateway_secrets", f"cmcc-1:{'s' * 32}:everything"),
        ("gateway_secrets", f"CMCC:{'s' * 32}"),
        ("public_url", "hexad.firm.cn"),
        ("smtp_tls", "maybe"),
        ("smtp_bounce", "nobody"),
        ("smtp_test", "perhaps"),
    ],
)
def test_every_wrong_text_names_its_variable(name: str, wrong: str) -> None:
    assert PREFIX + name.upper() in refusal(**{name: wrong})


@pytest.mark.parametrize(
    "well", ["https://store.test/hexad?id=1", "itms-apps://apps.apple.com/app/id1", "market://details?id=a", ""]
)
def test_an_app_is_sent_to_a_page_or_to_a_store(well: str) -> None:
    assert parse({"HEXAD_STORE_URL": well}).store_url == well


def test_no_simulator_is_started_where_none_is_named() -> None:
    assert parse({"HEXAD_SIMULATORS": ""}).simulators == ""
    assert "no such simulator: smpt (there are sms, smtp, advisory)" in refusal(simulators="sms,smpt")


def test_single_sign_on_needs_a_client_and_a_way_back() -> None:
    said = refusal(oidc_issuer="https://provider.test/realm")
    assert "HEXAD_OIDC_CLIENT_ID is needed" in said
    assert "HEXAD_OIDC_REDIRECT_URI is needed" in said
    given = {"ISSUER": "http://127.0.0.1:8080/realm", "CLIENT_ID": "hexad", "REDIRECT_URI": "hexad://oidc"}
    assert parse({f"HEXAD_OIDC_{name}": value for name, value in given.items()}).oidc_client_id == "hexad"


def test_all_faults_are_said_at_once() -> None:
    said = refusal(api_port="x", pool_size="y", unknown="z")
    for name in ("API_PORT", "POOL_SIZE", "UNKNOWN"):
        assert PREFIX + name in said


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(exclude_characters="\0"), max_size=20)))
@bounded(max_examples=200)
def test_whatever_is_given_is_settings_or_misconfigured(given: dict[str, str]) -> None:
    try:
        made = parse({PREFIX + name.upper(): value for name, value in given.items()})
    except Misconfigured:
        return
    assert parse(environment(made)) == made


@pytest.mark.parametrize("name", [name for name in NAMES if module.is_secret(name)])
def test_a_secret_is_never_shown(name: str) -> None:
    start = {"broker_url": "amqp://", "bus_url": "redis://", "database_url": "postgresql://", "owner_url": "postgresql://",
             "field_keys": "k1:", "gateway_secrets": "cmcc-1:"}.get(name, "")  # fmt: skip
    end = "" if "://" in start else "A" * 37 + "="
    given = {PREFIX + "VAR": ".", PREFIX + name.upper(): f"{start}canary{end}"}
    made = parse(given)
    assert shown(made)[PREFIX + name.upper()] == "(set)"
    assert "canary" not in str(shown(made))
    assert "canary" not in repr(made)
    given[PREFIX + "API_PORT"] = "x"
    with pytest.raises(Misconfigured) as error:
        parse(given)
    assert "canary" not in str(error.value)


def test_keys_urls_and_tokens_are_secrets() -> None:
    for name in NAMES:
        if name.endswith(("_key", "_keys")) or name in ("database_url", "owner_url", "broker_url"):
            assert module.is_secret(name), name


@pytest.mark.parametrize("wrong", ["mysql://u:canary@h/d", "canary"])
def test_a_wrong_secret_is_not_repeated(wrong: str) -> None:
    said = refusal(database_url=wrong, broker_url=wrong)
    assert "canary" not in said
    assert "HEXAD_DATABASE_URL" in said


def test_what_is_shown_can_be_read(settings: Settings) -> None:
    told = shown(settings)
    assert told["HEXAD_API_PORT"] == "8000"
    assert told["HEXAD_OTLP_ENDPOINT"] == ""
    assert list(told) == [PREFIX + name.upper() for name in NAMES]


def test_settings_that_contradict_one_another_are_refused(tmp_path: Path) -> None:
    assert "HEXAD_SOCKET_SILENCE" in refusal(socket_ping="90")
    assert "HEXAD_TOKEN_KEY" in refusal(database_url="postgresql://db", var=str(tmp_path / "missing"))


def test_a_password_is_not_sent_to_a_relay_in_clear() -> None:
    assert "HEXAD_SMTP_TLS" in refusal(smtp_host="relay.test", smtp_user="hexad", smtp_tls="offered")
    safe = {"HEXAD_SMTP_HOST": "relay.test", "HEXAD_SMTP_USER": "hexad", "HEXAD_SMTP_TLS": "tls"}
    assert parse(safe).smtp_tls == "tls"


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names only the folder, which is given."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEXAD_VAR", str(tmp_path))
    module.current.cache_clear()
    return tmp_path


def test_the_environment_goes_before_the_generated_keys(surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = ("A" * 42 + letter + "=" for letter in "AEI")
    (surroundings / "keys.env").write_text(f"# made by hexad up\n\nHEXAD_TOKEN_KEY={a}\nHEXAD_INDEX_KEY={b}\n")
    monkeypatch.setenv("HEXAD_INDEX_KEY", c)
    assert (module.current().token_key, module.current().index_key) == (a, c)
    module.current.cache_clear()


def test_a_key_file_that_cannot_be_read_is_named(surroundings: Path) -> None:
    (surroundings / "keys.env").mkdir()
    with pytest.raises(Misconfigured, match=r"keys\.env cannot be read .*HEXAD_VAR"):
        module.current()


def test_a_key_file_that_is_no_text_is_named(surroundings: Path) -> None:
    (surroundings / "keys.env").write_bytes(b"HEXAD_TOKEN_KEY=\xff\xfe\n")
    with pytest.raises(Misconfigured, match=r"keys\.env is not UTF-8"):
        module.current()


def test_an_empty_folder_is_not_the_one_that_one_stands_in(surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAD_VAR", "")
    with pytest.raises(Misconfigured, match="HEXAD_VAR is empty"):
        module.current()


def test_without_generated_keys_the_environment_is_all(surroundings: Path) -> None:
    assert module.current().token_key == ""
    module.current.cache_clear()
