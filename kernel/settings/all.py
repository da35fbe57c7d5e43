"""All settings together, and what is known of each."""

from typing import get_args, get_type_hints

import msgspec
from msgspec import Meta

from kernel.settings.partners import Partners

PREFIX = "HEXAD_"


class Settings(Partners, frozen=True, kw_only=True):
    """All settings; an unset variable takes the default, which is the embedded one for development."""

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


def is_secret(field: str) -> bool:
    """Whether the setting's value must never be printed."""
    return bool((meta(field).extra or {}).get("secret"))


def shown(settings: Settings) -> dict[str, str]:
    """Every variable with its value in force, secrets hidden."""
    return {
        PREFIX + name.upper(): ("(set)" if value else "(not set)") if is_secret(name) else str(value)
        for name, value in msgspec.structs.asdict(settings).items()
    }


def words(text: str) -> list[str]:
    """The members of a comma-separated setting."""
    return [word.strip() for word in text.split(",") if word.strip()]
