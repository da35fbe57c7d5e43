"""Every setting of every process, read from the environment once, typed, with its default and meaning.

The variable is `HEXAD_` + the field's name in capitals. Durations are seconds, sizes bytes.
"""

from kernel.settings.all import PREFIX, Settings, advisory_address, is_secret, meta, shown, words
from kernel.settings.reading import current, environment, folder, parse

__all__ = [
    "PREFIX", "Settings", "advisory_address", "current", "environment", "folder", "is_secret", "meta", "parse", "shown",
    "words",
]  # fmt: skip
