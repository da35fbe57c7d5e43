"""Settings are read from the environment once, and given to child processes by it."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from kernel.errors import Misconfigured
from kernel.settings.all import PREFIX, Settings, is_secret, meta
from kernel.settings.faults import contradictions

_NO_FOLDER = f"{PREFIX}VAR is empty: name a folder, or leave it unset for `var`"


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
        faults = list(contradictions(settings))
    if faults:
        raise Misconfigured("; ".join(faults))
    return settings


def current() -> Settings:
    """The settings of this process: the environment as it is now over the generated keys in `<var>/keys.env`."""
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
