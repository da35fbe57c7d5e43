"""The settings that a command works with."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel.settings import Settings


def given(*, embedded: bool = True, makes_keys: bool = False) -> "Settings":
    """The settings in force; with the embedded database's addresses in them unless those are not wanted.

    `makes_keys`: as `hexad up` does for an embedded database that has none yet. Raises `Unavailable` when the embedded
    database is wanted and does not run.
    """
    import msgspec

    from hexad import keys
    from hexad.embedded import running
    from kernel.settings import current

    if makes_keys and not os.environ.get("HEXAD_DATABASE_URL"):
        keys.make(keys.folder())
    settings = msgspec.structs.replace(current(), var=keys.folder())
    return running(settings) if embedded else settings
