"""The `hexad` command: reads well, answers at once, and its exit codes tell what happened."""

import subprocess
import sys

import msgspec
import pytest

from hexad.embedded import Postgres
from hexad.main import hexad
from kernel.settings import Settings, environment
from tests import clusters
from tests.hexad.running import HEXAD

pytestmark = pytest.mark.xdist_group("up")


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing set but what is given."""
    variables = {"PATH": "/usr/bin:/bin", "HEXAD_VAR": "/nonexistent/var", **environment}
    return subprocess.run([HEXAD, *args], env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_what_is_there_and_nothing_is_cut_off() -> None:
    shown = run("--help").stdout
    assert [name for name in hexad.commands if f"\n  {name} " not in shown] == []
    assert "..." not in shown.partition("Commands:")[2]


def test_help_answers_at_once() -> None:
    """Whatever takes long to import is imported by the command that needs it."""
    slow = ("asyncpg", "asyncio", "celery", "duckdb", "kombu", "litestar", "numpy", "pyarrow", "uvicorn")
    program = (
        "import sys\nfrom hexad.main import hexad\n"
        "try:\n hexad(['--help'])\nexcept SystemExit:\n pass\n"
        f"print([name for name in {slow!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command", [["up"], ["tour"], ["doctor"], ["serve", "api"], ["work"], ["simulate", "sms"], ["token"]]
)
def test_every_command_explains_itself(command: list[str]) -> None:
    shown = run(*command, "--help")
    assert shown.returncode == 0
    assert "Usage: hexad" in shown.stdout


@pytest.mark.parametrize("args", [["dance"], ["up", "--fast"], ["serve"], ["token", "--audience", "everybody"]])
def test_wrong_usage_exits_with_2(args: list[str]) -> None:
    refused = run(*args)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HEXAD_API_PORT", "70000"), ("HEXAD_NO_SUCH_THING", "1"), ("HEXAD_DATABASE_URL", "mysql://elsewhere")],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(variable: str, value: str) -> None:
    refused = run("token", "--audience", "staff", "--subject", "1", **{variable: value})
    assert refused.returncode == 1
    assert refused.stderr.startswith("hexad: ")
    assert variable in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_database_that_is_away_is_one_sentence() -> None:
    elsewhere = {"HEXAD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HEXAD_TOKEN_KEY": "A" * 43 + "="}
    refused = run("token", "--audience", "staff", "--subject", "1", **elsewhere)
    assert refused.returncode == 1
    assert "PostgreSQL does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_without_its_schema_is_told_with_the_way_out(postgres: Postgres, settings: Settings) -> None:
    with clusters.database(postgres, "template1") as name:
        bare = msgspec.structs.replace(settings, database_url=postgres.url("hexad_app", name), owner_url="")
        refused = run("administrator", "9001", **environment(bare))
    assert refused.returncode == 1
    assert refused.stderr == "hexad: the schema is not there yet: run `hexad migrate`\n"
