"""Looks every locked package up for known vulnerabilities, and says how many were really looked up.

Exit code 1 for a vulnerability, or, with `--required`, for a package that could not be looked up.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_SECONDS = 300


def locked(lock: Path) -> list[str]:
    """The packages of uv.lock that come from a registry, as `name==version`."""
    packages = tomllib.loads(lock.read_text())["package"]
    return [f"{one['name']}=={one['version']}" for one in packages if "registry" in one["source"]]


def rounds(packages: list[str]) -> list[list[str]]:
    """The packages in as many rounds as one of them has versions, since pip-audit takes each name once."""
    made: list[dict[str, str]] = []
    for one in packages:
        name = one.partition("==")[0]
        free = next((known for known in made if name not in known), None)
        if free is None:
            made.append(free := {})
        free[name] = one
    return [list(known.values()) for known in made]


def look_up(packages: list[str]) -> dict[str, list[dict[str, object]]]:
    """What pip-audit says of them, as its JSON; empty when it could not ask at all, and then stderr says why."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("\n".join(packages))
        wanted.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", wanted.name, "--no-deps", "--disable-pip"]
        try:
            asked = subprocess.run(
                [*command, "--format", "json", "--progress-spinner", "off"],
                stdout=subprocess.PIPE, text=True, check=False, timeout=_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            sys.stderr.write(f"{error}\n")
            return {}
    return json.loads(asked.stdout or "{}")


def verdict(packages: list[str], answer: dict[str, list[dict[str, object]]], *, required: bool) -> tuple[int, str]:
    """Exit code, and what to say."""
    dependencies = answer.get("dependencies", [])
    found = [f"{one['name']} {one['version']}: {fault['id']}" for one in dependencies for fault in one.get("vulns", [])]
    asked = sum("vulns" in one for one in dependencies)
    lines = [f"VULNERABLE  {line}" for line in found]
    if asked < len(packages):
        lines.append(f"NOT AUDITED {len(packages) - asked} of {len(packages)} locked packages could not be looked up."
                     " This is not a clean result.")  # fmt: skip
    lines.append(f"audited {asked} of {len(packages)} locked packages, {len(found)} known vulnerabilities")
    return int(bool(found) or (required and asked < len(packages))), "\n".join(lines)


if __name__ == "__main__":
    everything = locked(_ROOT / "uv.lock")
    known = [one for some in rounds(everything) for one in look_up(some).get("dependencies", [])]
    code, said = verdict(everything, {"dependencies": known}, required="--required" in sys.argv)
    sys.stdout.write(said + "\n")
    sys.exit(code)
