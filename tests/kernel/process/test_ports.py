"""A server that cannot listen says why, and which setting moves it."""

import socket

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.process import ports
from kernel.settings import Settings


def refusal(host: str, port: int) -> str:
    with pytest.raises(Unavailable) as error:
        ports.check_free(msgspec.structs.replace(Settings(), api_host=host, api_port=port), "api_port", "api_host")
    return error.value.detail


def test_a_port_that_somebody_shares_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        said = refusal("127.0.0.1", port)
    assert f"port {port} is in use by process" in said
    assert "HEXAD_API_PORT or HEXAD_API_HOST moves ours" in said
    assert ports.fault("127.0.0.1", port) == ""


@pytest.mark.parametrize("host", ["nohost.invalid", "256.1.1.1", "192.0.2.1", "a" * 64 + ".b", "::zz"])
def test_an_address_that_is_none_of_ours_is_one_sentence(host: str) -> None:
    said = refusal(host, 8000)
    assert said.startswith(f"nothing can listen on {host} port 8000: ")
    assert "HEXAD_API_HOST" in said
    assert "\n" not in said


def test_a_name_becomes_its_address() -> None:
    assert ports.numeric("localhost", 8000) in ("127.0.0.1", "::1")
