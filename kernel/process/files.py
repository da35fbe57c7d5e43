"""How many files and connections a process may have open."""

import resource

from kernel.telemetry import logs

_log = logs.logger(__name__)


def allow_files(wanted: int, setting: str) -> None:
    """Raises the limit on open files as far as the system lets us; what is missing for `setting` is said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        _log.warning("the limit on open files is below what a setting asks for", limit=allowed, setting=setting)
