"""Settings that contradict themselves or one another are refused by name."""

from pathlib import Path

import pytest

from kernel.settings import PREFIX, parse
from tests.kernel.settings import refusal


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


def test_settings_that_contradict_one_another_are_refused() -> None:
    assert "HEXAD_SOCKET_SILENCE" in refusal(socket_ping="90")


@pytest.mark.parametrize("name", ["database_url", "owner_url", "broker_url", "bus_url"])
@pytest.mark.parametrize("password", ["pa/ss", "12/3", "pa?ss", "pa#ss", "pa:ss/", "[x"])
def test_a_password_that_breaks_its_address_is_told_how_to_write(name: str, password: str) -> None:
    scheme = {"broker_url": "amqp", "bus_url": "redis"}.get(name, "postgresql")
    said = refusal(**{name: f"{scheme}://hexad:{password}@host.firm.example/hexad"})
    assert f"{PREFIX}{name.upper()}" in said
    assert "%2F" in said
    assert password not in said


def test_an_address_rightly_written_is_taken() -> None:
    for url in ("postgresql://hexad:pa%2Fss%40@[2001:db8::1]:5432/hexad?host=/var/run&port=5432", "postgresql://db/x"):
        assert parse({f"{PREFIX}DATABASE_URL": url}).database_url == url


def test_who_only_migrates_needs_no_key_for_tokens(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgresql://db", "OWNER_URL": "postgresql://db", "VAR": str(tmp_path / "missing")}
    assert parse({PREFIX + name: value for name, value in given.items()}).token_key == ""


def test_a_password_is_not_sent_to_a_relay_in_clear() -> None:
    assert "HEXAD_SMTP_TLS" in refusal(smtp_host="relay.test", smtp_user="hexad", smtp_tls="offered")
    safe = {"HEXAD_SMTP_HOST": "relay.test", "HEXAD_SMTP_USER": "hexad", "HEXAD_SMTP_TLS": "tls"}
    assert parse(safe).smtp_tls == "tls"
