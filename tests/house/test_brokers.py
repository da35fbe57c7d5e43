"""Where CI=true is said, what a test needs must be there: nothing is skipped in silence."""

import shutil

import pytest

from kernel.settings import Settings
from tests.brokers import rabbitmq_user


@pytest.mark.parametrize(
    ("said", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)], ids=["ci", "elsewhere"]
)
def test_without_rabbitmqctl_a_test_of_its_users_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, said: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", said)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(outcome), rabbitmq_user("nobody", settings):
        pass
