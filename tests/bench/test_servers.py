"""The servers start as processes, say why they do not, and the peer's packages are asked for by name."""

import urllib.request
from importlib.machinery import ModuleSpec
from pathlib import Path

import msgspec
import pytest

from bench import servers
from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings


def test_what_the_peer_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda name: None if name == "fastapi" else ModuleSpec(name, None))
    with pytest.raises(Misconfigured, match=r"fastapi.*uv sync --group bench"):
        servers.check_peer()
    monkeypatch.setattr(servers, "find_spec", lambda name: ModuleSpec(name, None))
    servers.check_peer()


def test_ours_is_the_real_process(own_settings: Settings) -> None:
    with servers.ours(own_settings) as server:
        url = f"http://127.0.0.1:{server.port}/health/live"
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert answer.status == 200
        assert server.cpu() > 0
    assert "Started worker" in server.output.read_text()


def test_a_server_that_does_not_start_says_why(own_settings: Settings, tmp_path: Path) -> None:
    broken = msgspec.structs.replace(own_settings, token_key="short", var=tmp_path)
    with pytest.raises(Unavailable, match="HEXAD_TOKEN_KEY"), servers.ours(broken):
        pass
