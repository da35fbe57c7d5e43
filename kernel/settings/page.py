"""The page of all settings, made from what stands beside each of them.

`python -m kernel.settings.page` writes `docs/settings.md`, which a test holds equal to what is made.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kernel.settings.all import PREFIX, Settings, is_secret, meta

PATH = Path(__file__).parents[2] / "docs" / "settings.md"
_HEAD = """# Settings

Made by `python -m kernel.settings.page` from the settings; [Operations](operations.md) says how they are read.
Durations are seconds, sizes bytes. Which are in force, and where each comes from, says `hexad doctor`.
"""
_EXAMPLES = {
    "database_url": "postgresql://hexad_app:<password>@db.firm.example/hexad",
    "owner_url": "postgresql://hexad_owner:<password>@db.firm.example/hexad",
    "broker_url": "amqp://hexad:<password>@mq.firm.example/",
    "bus_url": "redis://:<password>@bus.firm.example:6379/0",
    "queue_prefix": "hexad.",
    "field_keys": "k1:<32 bytes in base64>",
    "index_key": "<32 bytes in base64>",
    "origins": "https://app.firm.example",
    "trusted_proxies": "10.0.0.0/24",
    "store_url": "https://app.firm.example/update",
    "public_url": "https://api.firm.example",
    "sms_simulator_manner": "delay=2,refuse=0.1",
    "smtp_simulator_manner": "later=0.1",
    "audit_anchor": "/mnt/worm/hexad.anchor",
    "otlp_endpoint": "http://otel.firm.example:4318",
    "token_key": "<32 bytes in base64>",
    "oidc_issuer": "https://sso.firm.example/realms/staff",
    "oidc_client_id": "hexad",
    "oidc_client_secret": "<secret>",
    "oidc_redirect_uri": "https://app.firm.example/signed-in",
    "gateway_secrets": "cmcc-1:<secret>:transactional+service",
    "smtp_host": "smtp.firm.example",
    "smtp_user": "hexad",
    "smtp_helo": "hexad.firm.example",
    "smtp_password": "<password>",
    "smtp_ca": "/etc/ssl/firm.pem",
    "smtp_bounce": "bounce@firm.example",
    "advisory_url": "https://advisory.firm.example",
    "advisory_token": "<token>",
    "api_host": "10.0.0.11",
    "realtime_host": "10.0.0.11",
    "probe_host": "10.0.0.11",
    "sms_signature": "某某证券",
    "sms_signature_latin": "Firm Securities",
    "email_from": "某某证券 <no-reply@firm.example>",
    "gateways": "cmcc-1,mail-1",
}
"""Where the default is nothing, or good on one machine alone."""


def page() -> str:
    """The whole page: a table for each group of settings."""
    groups = [one for one in reversed(Settings.__mro__) if issubclass(one, msgspec.Struct) and vars(one).get("__doc__")]
    return "\n".join([_HEAD, *(line for group in groups[1:-1] for line in _table(group))])


def example(name: str) -> str:
    """What the setting may look like, empty when nobody said."""
    return _EXAMPLES.get(name, str(getattr(Settings(), name)))


def _table(group: type) -> Iterator[str]:
    yield f"## {(group.__doc__ or '').rstrip('.')}"
    yield ""
    yield "| variable | meaning | default | example |"
    yield "|---|---|---|---|"
    for name in group.__annotations__:
        default = "none, secret" if is_secret(name) else _code(getattr(Settings(), name)) or "empty"
        yield f"| `{PREFIX}{name.upper()}` | {_meaning(name)} | {default} | `{example(name)}` |"
    yield ""


def _meaning(name: str) -> str:
    """The description, with the bounds of a number."""
    told = meta(name)
    low = told.ge if told.ge is not None else told.gt
    bounds = [f"{'above' if told.ge is None else 'from'} {_number(low)}"] if low is not None else []
    bounds += [f"to {_number(told.le)}"] if told.le is not None else []
    text = str(told.description).replace("|", "\\|")
    return f"{text} ({' '.join(bounds)})" if bounds else text


def _number(value: float | None) -> str:
    return f"{value:,}"


def _code(value: Any) -> str:
    return f"`{value}`" if str(value) else ""


if __name__ == "__main__":
    PATH.write_text(page())
