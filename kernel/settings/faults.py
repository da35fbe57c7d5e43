"""What is wrong with settings that are each right by themselves."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

from kernel.errors import Misconfigured
from kernel.settings.all import PREFIX, Settings, meta, words
from kernel.settings.keys import field_keys, gateway_channels, gateway_keys, key
from kernel.settings.origins import Origins

_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_VERSION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){0,2}")
_ISSUER = re.compile(r"(https://[^\s?#@/]+|http://(127\.0\.0\.1|localhost)(:\d{1,5})?)(/[^\s?#@]*)?")
_STORE = re.compile(r"(https?|itms-appss?|[a-z]*market|samsungapps|tmast)://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_SCHEMES = {
    "database_url": ("postgresql://", "postgres://"),
    "owner_url": ("postgresql://", "postgres://"),
    "broker_url": ("amqp://", "amqps://"),
    "bus_url": ("redis://", "rediss://"),
    "otlp_endpoint": ("http://", "https://"),
    "advisory_url": ("http://", "https://"),
    "public_url": ("https://", "http://"),
}


def contradictions(settings: Settings) -> list[str]:
    """Each fault in a sentence that names the variable and says what to do."""
    checks = (_name_faults, _origin_faults, _key_faults, _app_faults, _oidc_faults, _hours_faults, _gateway_faults)
    faults = [fault for check in checks for fault in check(settings)]
    for name in ("trusted_proxies", "metrics_from"):
        for network in words(getattr(settings, name)):
            try:
                ip_network(network)
            except ValueError as error:
                faults.append(f"{PREFIX}{name.upper()}: {error}")
    for name, schemes in _SCHEMES.items():
        value = getattr(settings, name)
        if value and not value.startswith(schemes):
            faults.append(f"{PREFIX}{name.upper()} must start with {' or '.join(schemes)}")
        elif value and not _is_address(value):
            faults.append(
                f"{PREFIX}{name.upper()} is no address: in its user and password write / as %2F, ? as %3F, # as %23,"
                " @ as %40 and : as %3A"
            )
    if settings.socket_silence <= settings.socket_ping:
        faults.append(f"{PREFIX}SOCKET_SILENCE must be more than {PREFIX}SOCKET_PING")
    return faults


def _is_address(url: str) -> bool:
    """Whether nothing of a user or password was taken for the end of the host."""
    try:
        parts = urlsplit(url)
        port = parts.port or 1
    except ValueError:
        return False
    return port > 0 and not any("@" in part for part in (parts.path, parts.query, parts.fragment))


def _name_faults(settings: Settings) -> Iterator[str]:
    for name, known in (("audiences", ("staff", "investor", "gateway")), ("simulators", ("sms", "smtp", "advisory"))):
        if unknown := sorted(set(words(getattr(settings, name))).difference(known)):
            yield f"{PREFIX}{name.upper()}: no such {name[:-1]}: {', '.join(unknown)} (there are {', '.join(known)})"
    if not words(settings.audiences):
        yield f"{PREFIX}AUDIENCES names no audience"


def _origin_faults(settings: Settings) -> Iterator[str]:
    try:
        Origins(words(settings.origins))
    except Misconfigured as error:
        yield error.detail


def _key_faults(settings: Settings) -> Iterator[str]:
    """A key may be missing where it is not needed; a wrong one is wrong everywhere."""
    checks = (
        (settings.token_key, lambda given: key(f"{PREFIX}TOKEN_KEY", given)),
        (settings.index_key, lambda given: key(f"{PREFIX}INDEX_KEY", given)),
        (settings.field_keys, field_keys),
        (settings.gateway_secrets, gateway_keys),
        (settings.gateways, gateway_channels),
    )
    for given, check in checks:
        try:
            if given:
                check(given)
        except Misconfigured as error:
            yield error.detail


def _oidc_faults(settings: Settings) -> Iterator[str]:
    if not settings.oidc_issuer:
        return
    if not _ISSUER.fullmatch(settings.oidc_issuer):
        yield f"{PREFIX}OIDC_ISSUER must start with https:// (http:// on 127.0.0.1 and localhost alone)"
    for name in ("oidc_client_id", "oidc_redirect_uri"):
        if not getattr(settings, name):
            yield f"{PREFIX}{name.upper()} is needed with {PREFIX}OIDC_ISSUER: {meta(name).description}"


def _gateway_faults(settings: Settings) -> Iterator[str]:
    if settings.smtp_user and settings.smtp_host and settings.smtp_tls in ("offered", "never"):
        yield f"{PREFIX}SMTP_TLS must be starttls or tls with {PREFIX}SMTP_USER: a password is not sent in clear"
    if settings.smtp_bounce and not _ADDRESS.fullmatch(settings.smtp_bounce):
        yield f"{PREFIX}SMTP_BOUNCE must be an address such as bounce@firm.cn, not {settings.smtp_bounce!r}"


def _hours_faults(settings: Settings) -> Iterator[str]:
    for name in ("service_hours", "marketing_hours"):
        opens, closes = getattr(settings, name).split("-")
        if opens >= closes:
            yield f"{PREFIX}{name.upper()} must end after they begin"


def _app_faults(settings: Settings) -> Iterator[str]:
    if not _VERSION.fullmatch(settings.minimum_app_version):
        yield f"{PREFIX}MINIMUM_APP_VERSION must be a version such as 2.10.0, not {settings.minimum_app_version!r}"
    if settings.store_url and not _STORE.fullmatch(settings.store_url):
        yield (
            f"{PREFIX}STORE_URL must start with https://, http:// or the scheme of a store such as itms-apps:// or"
            f" market://, and have no spaces or line breaks, not {settings.store_url!r}"
        )
