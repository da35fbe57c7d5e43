"""A clean copy of the project in an empty folder, with an own HOME, no uv and no caches: a newcomer's machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.test_files import ROOT, tracked

_KEPT = ("PIP_", "SSL_", "REQUESTS_", "CI")
"""Variables by which a machine reaches its package index, and CI."""


class Clone:
    """The copy; `run` gives commands nothing but Python and the system's own programs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._bin, home = folder / "project", folder / "bin", folder / "home"
        for made in (self.folder, self._bin, home, folder / "tmp"):
            made.mkdir()
        for path in tracked(""):
            copy = self.folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        (self._bin / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT) or name.endswith("_proxy")}
        programs = f"{self._bin}:/usr/bin:/bin"
        own = {"PATH": programs, "HOME": str(home), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8"}
        self.environment: dict[str, str] = {**kept, **own}
        assert shutil.which("uv", path=programs) is None

    def fake_python(self, script: str) -> None:
        """Puts a shell script in the place of python3."""
        (self._bin / "python3").unlink()
        (self._bin / "python3").write_text(f"#!/bin/sh\n{script}\n")
        (self._bin / "python3").chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the copy."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
