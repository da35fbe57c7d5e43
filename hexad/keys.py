"""`<var>/keys.env`: the random keys of an embedded system, made once, readable by nobody else, never overwritten."""

import base64
import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from kernel import settings
from kernel.errors import Misconfigured
from kernel.settings import PREFIX

_HEADER = """\
# Made by Hexad. Whoever has these keys can sign tokens, read encrypted fields and speak as the simulated gateway;
# without them the encrypted fields are lost.
"""


def folder() -> Path:
    """The folder of HEXAD_VAR, known before the settings are: the keys in it are a part of them."""
    return settings.folder().absolute()


def file(var: Path) -> Path:
    """Where the keys of a folder are."""
    return var / "keys.env"


def make(var: Path) -> bool:
    """Makes the file unless it is there, and says whether it did; raises `Misconfigured` when it cannot be written."""
    keys = {"TOKEN_KEY": _random(), "FIELD_KEYS": f"k1:{_random()}", "INDEX_KEY": _random(),
            "GATEWAY_SECRETS": f"simulator-1:{secrets.token_hex(32)}:transactional+service+marketing"}  # fmt: skip
    text = _HEADER + "".join(f"{PREFIX}{name}={key}\n" for name, key in keys.items())
    try:
        if file(var).exists():
            return False
        var.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=var, prefix="keys.") as whole:  # made for its owner alone (0600)
            whole.write(text)
            whole.flush()
            os.fsync(whole.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(whole.name, file(var))
    except OSError as error:
        raise Misconfigured(
            f"{PREFIX}VAR is {var}, which cannot be written ({error.strerror}): mend that, or name another folder"
        ) from error
    return True


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
