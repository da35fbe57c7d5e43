"""The limit on open files is raised as far as the system lets us, and what is missing is said."""

import resource

import pytest

from kernel.process.files import allow_files


def limits(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    """Gives the limits that are set, instead of setting them."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: given.append(both))
    return given


@pytest.mark.parametrize(
    ("soft", "hard", "allowed"),
    [(1000, 5000, 3000), (1000, 2000, 2000), (4000, 5000, 4000), (1000, resource.RLIM_INFINITY, 3000)],
)
def test_it_is_raised_to_what_is_wanted_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, allowed: int
) -> None:
    given = limits(monkeypatch, soft, hard)
    allow_files(3000, "HEXAD_SOCKETS")
    assert given == [(allowed, hard)]


def test_a_limit_too_low_names_the_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    limits(monkeypatch, 100, 200)
    allow_files(3000, "HEXAD_SOCKETS")
    assert "HEXAD_SOCKETS" in capsys.readouterr().out
