"""Every setting of every process, read from the environment once, typed, with its default and meaning.

The variable is `HEXAD_` + the field's name in capitals. Durations are seconds, sizes bytes.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from kernel.errors import Misconfigured
from kernel.keys import field_keys, gateway_keys, key

PREFIX = "HEXAD_"
_TLS = "^(starttls|tls|offered|never)$"
_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


def _says(text: str, *, secret: bool = False, **bounds: Any) -> Meta:
    return Meta(description=text, extra={"secret": secret}, **bounds)


class Settings(Struct, frozen=True, kw_only=True):
    """All settings; an unset variable takes the default, which is the embedded one for development."""

    var: Annotated[Path, _says("folder of the embedded database, keys and logs")] = Path("var")
    database_url: Annotated[
        str, _says("PostgreSQL of the app role; empty: the embedded one in HEXAD_VAR", secret=True)
    ] = ""
    owner_url: Annotated[
        str, _says("PostgreSQL of the owner role, for `hexad migrate` only; empty: embedded", secret=True)
    ] = ""
    broker_url: Annotated[str, _says("amqp://… for RabbitMQ; empty: PGMQ in the same database", secret=True)] = ""
    bus_url: Annotated[
        str, _says("redis://… of Valkey or Redis for the bus between processes; empty: PostgreSQL", secret=True)
    ] = ""
    queue_prefix: Annotated[
        str,
        _says("put before every name on RabbitMQ and Valkey, so that several can share", pattern="^[a-z0-9._-]*$"),
    ] = ""
    pool_size: Annotated[int, _says("database connections per process", ge=1, le=500)] = 10
    pool_wait: Annotated[float, _says("longest wait for a connection before 503", gt=0, le=60)] = 1.0
    pool_waiters: Annotated[int, _says("requests that may wait for a connection; more get 503 at once", ge=0)] = 100
    statement_timeout: Annotated[float, _says("longest single statement of a request", gt=0, le=3600)] = 15.0
    lock_timeout: Annotated[float, _says("longest wait for a row lock", gt=0, le=3600)] = 3.0
    migration_lock_timeout: Annotated[float, _says("longest wait of a migration for a table", gt=0, le=3600)] = 5.0
    migration_statement_timeout: Annotated[float, _says("longest statement of a migration", gt=0, le=86400)] = 600.0

    api_host: Annotated[str, _says("address that the API listens on")] = "127.0.0.1"
    api_port: Annotated[int, _says("port of the API", ge=1, le=65535)] = 8000
    api_workers: Annotated[int, _says("API processes on this host", ge=1, le=64)] = 1
    api_inflight: Annotated[int, _says("requests in work per API process; more get 503", ge=1, le=100_000)] = 200
    audiences: Annotated[str, _says("audiences that this host serves, comma-separated")] = "staff,investor,gateway"
    realtime_host: Annotated[str, _says("address that the WebSocket server listens on")] = "127.0.0.1"
    realtime_port: Annotated[int, _says("port of the WebSocket server", ge=1, le=65535)] = 8001
    origins: Annotated[str, _says("web origins that may open a WebSocket, comma-separated")] = ""
    sockets: Annotated[int, _says("WebSocket connections per node; more get 503", ge=1, le=200_000)] = 20_000
    sockets_per_address: Annotated[
        int, _says("WebSocket connections per address (carriers put thousands of phones behind one)", ge=1)
    ] = 4_000
    sockets_per_principal: Annotated[int, _says("WebSocket connections per signed-in principal", ge=1)] = 20
    socket_ping: Annotated[float, _says("interval at which a node pings its WebSockets", gt=0, le=300)] = 25.0
    socket_silence: Annotated[float, _says("silence after which a WebSocket is dropped", gt=0, le=600)] = 60.0
    worker_port: Annotated[int, _says("port of the worker's health and metrics", ge=1, le=65535)] = 8002
    relay_port: Annotated[int, _says("port of the relay's health and metrics", ge=1, le=65535)] = 8003
    beat_port: Annotated[int, _says("port of the beat's health and metrics", ge=1, le=65535)] = 8004
    probe_host: Annotated[str, _says("address of the health ports of worker, relay and beat")] = "127.0.0.1"
    mailer_port: Annotated[int, _says("port of the e-mail sender's health and metrics", ge=1, le=65535)] = 8008
    simulators: Annotated[str, _says("those of sms, smtp, advisory that `hexad up` starts")] = "sms,smtp,advisory"
    simulator_host: Annotated[str, _says("address of the gateway simulators")] = "127.0.0.1"
    sms_simulator_port: Annotated[int, _says("port of the SMS simulator's health", ge=1, le=65535)] = 8005
    sms_simulator_manner: Annotated[str, _says("how the SMS simulator misbehaves: `delay=2,refuse=0.1,shuffle`")] = ""
    smtp_simulator_manner: Annotated[str, _says("how the SMTP simulator misbehaves: `delay=2,later=0.1`")] = ""
    mailbox_port: Annotated[int, _says("port of the SMTP simulator's mailbox page", ge=1, le=65535)] = 8006
    advisory_simulator_port: Annotated[int, _says("port of the simulated advisory platform", ge=1, le=65535)] = 8007
    smtp_simulator_port: Annotated[int, _says("port of the SMTP simulator", ge=1, le=65535)] = 8025
    worker_processes: Annotated[int, _says("children of a worker", ge=1, le=256)] = 2
    job_timeout: Annotated[
        float, _says("longest that one job may take; its process is killed after twice that", ge=1, le=3600)
    ] = 60.0
    job_attempts: Annotated[int, _says("tries before a job is set aside", ge=1, le=100)] = 5
    job_backoff: Annotated[
        float, _says("wait before a job's second try; each later one waits 4 times longer", gt=0)
    ] = 2.0
    worker_silence: Annotated[
        float, _says("silence after which a worker is taken for dead and its jobs go to another", ge=2, le=600)
    ] = 30.0
    drain: Annotated[float, _says("longest graceful stop", gt=0, le=600)] = 20.0

    trusted_proxies: Annotated[str, _says("networks whose X-Forwarded-For is believed, comma-separated")] = ""
    metrics_from: Annotated[str, _says("networks that may read /metrics, comma-separated")] = (
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    )
    rate_per_address: Annotated[float, _says("requests per second and address", gt=0)] = 200.0
    rate_per_principal: Annotated[float, _says("requests per second and signed-in principal", gt=0)] = 50.0
    rate_burst: Annotated[float, _says("seconds' worth of requests that may come at once", ge=1)] = 4.0
    minimum_app_version: Annotated[str, _says("apps below this version are told to update")] = "0.0.0"
    store_url: Annotated[str, _says("where an app too old is sent")] = ""

    token_key: Annotated[str, _says("Ed25519 key that signs access tokens, base64 of 32 bytes", secret=True)] = ""
    token_seconds: Annotated[int, _says("life of an access token", ge=30, le=3600)] = 600
    session_seconds: Annotated[
        int, _says("longest session, however often its refresh token is used", ge=600, le=31_536_000)
    ] = 7_776_000
    refresh_seconds: Annotated[int, _says("life of a refresh token", ge=600, le=31_536_000)] = 2_592_000
    sign_in_attempts: Annotated[
        int, _says("sign-ins per address and 10 minutes that did not succeed; more get 429", ge=5, le=1_000_000)
    ] = 200
    sms_signature: Annotated[
        str, _says("the firm's name in text messages, shown as 【…】", pattern="^[^\\s【】\x00-\x1f]{2,20}$")
    ] = "Hexad"
    sms_sender: Annotated[str, _says("access number that text messages come from", pattern="^[0-9]{3,21}$")] = (
        "10690000"
    )
    sms_codes: Annotated[
        int, _says("one-time codes that the firm sends by SMS per hour; more get 429", ge=1, le=10_000_000)
    ] = 20_000
    public_url: Annotated[
        str, _says("where people reach the API, for links in messages, https://…; empty: HEXAD_API_HOST and _PORT")
    ] = ""
    gateways: Annotated[str, _says("gateways whose receipts and replies are believed, comma-separated names")] = (
        "simulator-1"
    )
    gateway_secrets: Annotated[
        str, _says("who may sign over HTTP and lease what: `name:secret:purpose+purpose,…`", secret=True)
    ] = ""
    smtp_host: Annotated[str, _says("relay that takes our e-mail; empty: the SMTP simulator of this host")] = ""
    smtp_port: Annotated[int, _says("port of the relay", ge=1, le=65535)] = 587
    smtp_user: Annotated[str, _says("our name at the relay; empty: it asks for none", max_length=200)] = ""
    smtp_password: Annotated[str, _says("our password at the relay", secret=True)] = ""
    smtp_tls: Annotated[str, _says("starttls; tls: from the first byte; offered; never", pattern=_TLS)] = "starttls"
    smtp_ca: Annotated[str, _says("file of certificates that vouch for the relay; empty: the system's")] = ""
    smtp_bounce: Annotated[str, _says("address to which undeliverable e-mail returns; empty: its sender's")] = ""
    smtp_connections: Annotated[int, _says("connections to the relay at once", ge=1, le=50)] = 4
    smtp_timeout: Annotated[float, _says("longest wait for an answer of the relay", gt=0, le=300)] = 30.0
    smtp_test: Annotated[bool, _says("true: the relay is asked, but no message is handed over")] = False
    sms_rate: Annotated[int, _says("text messages per second that the SMS gateway takes", ge=1, le=100_000)] = 1000
    email_rate: Annotated[int, _says("e-mails per second that the e-mail gateway takes", ge=1, le=100_000)] = 200
    email_from: Annotated[str, _says("whom our e-mail comes from, `Name <a@b.cn>`", pattern="^[^\r\n\x00]{3,200}$")] = (
        "Hexad <no-reply@hexad.example>"
    )
    service_hours: Annotated[str, _says("when reminders and care may be sent, Beijing time", pattern=_HOURS)] = (
        "07:00-23:00"
    )
    marketing_hours: Annotated[str, _says("when marketing may be sent, Beijing time", pattern=_HOURS)] = "08:00-22:00"
    handing_over: Annotated[
        float, _says("longest time from a claim to the hand-over; what takes longer is uncertain", ge=1, le=600)
    ] = 30.0
    reconcile_after: Annotated[
        float, _says("wait for a receipt before an uncertain message is offered again", gt=0, le=86400)
    ] = 600.0
    oidc_issuer: Annotated[str, _says("OpenID provider for single sign-on of staff, https://…; empty: not offered")] = (
        ""
    )
    oidc_client_id: Annotated[str, _says("our name at the OpenID provider")] = ""
    oidc_client_secret: Annotated[
        str, _says("our secret at the OpenID provider; empty: a public client", secret=True)
    ] = ""
    oidc_claim: Annotated[str, _says("claim of the ID token that holds the employee number", min_length=1)] = (
        "employee_no"
    )
    oidc_redirect_uri: Annotated[str, _says("address of the app to which the OpenID provider sends people back")] = ""
    advisory_url: Annotated[str, _says("HTTP API of the advisory platform; empty: the simulated one on this host")] = ""
    advisory_token: Annotated[
        str, _says("our token at the advisory platform; empty: it asks for none", secret=True)
    ] = ""
    advisory_tries: Annotated[
        int, _says("tries to tell the advisory platform of a subscription before it is given up", ge=1, le=1000)
    ] = 12
    reveal_quota: Annotated[int, _says("masked fields that one employee may see in full in a day", ge=0, le=10_000)] = (
        50
    )
    field_keys: Annotated[
        str, _says("AES-256 keys of encrypted fields, `id:base64,…`, the current one first", secret=True)
    ] = ""
    index_key: Annotated[str, _says("key of the blind index, base64 of 32 bytes", secret=True)] = ""
    audit_anchor: Annotated[
        str, _says("file to which every seal of the audit log is appended; empty: in HEXAD_VAR")
    ] = ""

    log_level: Annotated[str, _says("DEBUG, INFO, WARNING or ERROR", pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    otlp_endpoint: Annotated[str, _says("OpenTelemetry collector (OTLP over HTTP); empty: no tracing")] = ""

    def __repr__(self) -> str:
        """As `shown`, so that no traceback or log line tells a secret."""
        return f"Settings({shown(self)})"

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded one under `var`."""
        return not self.database_url


def advisory_address(settings: Settings) -> str:
    """Where the advisory platform answers, without a slash at the end."""
    host, port = settings.simulator_host, settings.advisory_simulator_port
    here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return (settings.advisory_url or here).rstrip("/")


def meta(field: str) -> Meta:
    """The description, bounds and secrecy of one setting."""
    return next(m for m in get_args(get_type_hints(Settings, include_extras=True)[field]) if isinstance(m, Meta))


def parse(environment: Mapping[str, str]) -> Settings:
    """Settings from variables named HEXAD_…; raises `Misconfigured` naming each variable that is wrong or unknown."""
    given = {k.removeprefix(PREFIX).lower(): v for k, v in environment.items() if k.startswith(PREFIX)}
    fields = get_type_hints(Settings, include_extras=True)
    faults = [f"{PREFIX}{name.upper()} is not a setting of Hexad" for name in sorted(given) if name not in fields]
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in fields:
            continue
        try:
            values[name] = _value(text.strip(), fields[name])
        except ValueError as error:
            shown = "" if is_secret(name) else f", not {text!r}"
            faults.append(f"{PREFIX}{name.upper()}: {meta(name).description} ({error}{shown})")
    if not faults:
        settings = Settings(**values)
        faults = list(_contradictions(settings))
    if faults:
        raise Misconfigured("; ".join(faults))
    return settings


def is_secret(field: str) -> bool:
    """Whether the setting's value must never be printed."""
    return bool((meta(field).extra or {}).get("secret"))


def shown(settings: Settings) -> dict[str, str]:
    """Every variable with its value in force, secrets hidden."""
    return {
        PREFIX + name.upper(): ("(set)" if value else "(not set)") if is_secret(name) else str(value)
        for name, value in msgspec.structs.asdict(settings).items()
    }


@cache
def current() -> Settings:
    """The settings of this process: the environment over the generated keys in `<var>/keys.env`."""
    return parse({**_generated(folder() / "keys.env"), **os.environ})


def folder() -> Path:
    """The folder of HEXAD_VAR, known before the other settings are; raises `Misconfigured` when it is empty."""
    given = os.environ.get(PREFIX + "VAR", "var").strip()
    if not given:
        raise Misconfigured(_NO_FOLDER)
    return Path(given)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give these settings to a child process, those at their default left out."""
    defaults = Settings()
    given = msgspec.structs.asdict(settings).items()
    return {PREFIX + name.upper(): str(value) for name, value in given if value != getattr(defaults, name)}


def _generated(file: Path) -> dict[str, str]:
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8, so the keys in it are lost: restore it from a backup") from error
    except OSError as error:
        raise Misconfigured(
            f"{file} cannot be read ({error.strerror}): run this as its owner, or name another HEXAD_VAR"
        ) from error
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def words(text: str) -> list[str]:
    """The members of a comma-separated setting."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _value(text: str, kind: Any) -> Any:
    """Raises `ValueError`, of which msgspec's errors are, for what is not of the kind, not finite or not Unicode."""
    value = msgspec.convert(text.encode().decode(), kind, strict=False, dec_hook=_decode)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        if not value or set(value) & set("\r\n"):
            raise ValueError("expected a path without line breaks, or no variable at all")
        return Path(value)
    raise NotImplementedError(kind)


_NO_FOLDER = f"{PREFIX}VAR is empty: name a folder, or leave it unset for `var`"
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_GATEWAY = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
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


def _contradictions(settings: Settings) -> list[str]:
    checks = (_name_faults, _key_faults, _app_faults, _oidc_faults, _hours_faults, _gateway_faults)
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
    if settings.socket_silence <= settings.socket_ping:
        faults.append(f"{PREFIX}SOCKET_SILENCE must be more than {PREFIX}SOCKET_PING")
    if settings.database_url and not settings.var.is_dir() and not settings.token_key:
        faults.append(f"{PREFIX}TOKEN_KEY is needed with {PREFIX}DATABASE_URL: make one with `openssl rand -base64 32`")
    return faults


def _name_faults(settings: Settings) -> Iterator[str]:
    for name, known in (("audiences", ("staff", "investor", "gateway")), ("simulators", ("sms", "smtp", "advisory"))):
        if unknown := sorted(set(words(getattr(settings, name))).difference(known)):
            yield f"{PREFIX}{name.upper()}: no such {name[:-1]}: {', '.join(unknown)} (there are {', '.join(known)})"
    if not words(settings.audiences):
        yield f"{PREFIX}AUDIENCES names no audience"


def _key_faults(settings: Settings) -> Iterator[str]:
    """A key may be missing where it is not needed; a wrong one is wrong everywhere."""
    checks = (
        (settings.token_key, lambda given: key(f"{PREFIX}TOKEN_KEY", given)),
        (settings.index_key, lambda given: key(f"{PREFIX}INDEX_KEY", given)),
        (settings.field_keys, field_keys),
        (settings.gateway_secrets, gateway_keys),
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
    for name in words(settings.gateways):
        if not _GATEWAY.fullmatch(name):
            yield f"{PREFIX}GATEWAYS: {name!r} is no name of a gateway: small letters, digits and hyphens, at most 32"
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
