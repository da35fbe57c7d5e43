"""Connections are few, used again while they are good, and never used in clear where that was not allowed."""

import asyncio
import datetime
import ssl
import time
from pathlib import Path

import aiosmtplib
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.listener import listening
from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings
from tests.workers.smtp.conftest import Relay, Serve
from workers.smtp.pool import Pool


def soon() -> float:
    """A time until which a connection is surely to be had."""
    return time.monotonic() + 30


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of `localhost` that vouches for itself, and a server's context with it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hexad")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file, secret = tmp_path / "relay.pem", tmp_path / "relay.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


async def test_a_connection_is_used_again_and_there_are_never_more_than_allowed(
    mailing: Settings, relay: Relay
) -> None:
    pool = Pool(msgspec.structs.replace(mailing, smtp_connections=2))
    held = 0

    async def use() -> None:
        nonlocal held
        async with pool.connection(soon()) as client:
            held += 1
            assert held <= 2
            await client.noop()
            held -= 1

    await asyncio.gather(*(use() for _ in range(10)))
    assert relay.sessions == 2
    assert pool.problem is None
    await pool.close()


async def test_a_broken_connection_is_not_used_again(mailing: Settings, relay: Relay) -> None:
    pool = Pool(mailing)
    with pytest.raises(Unavailable, match="broke off"):
        async with pool.connection(soon()):
            raise ConnectionResetError
    await pool.check()
    assert relay.sessions == 2
    await pool.close()


async def test_a_relay_that_is_away_is_a_problem_until_it_is_back(mailing: Settings, serve: Serve) -> None:
    pool = Pool(mailing)
    with pytest.raises(Unavailable, match="the relay does not answer"):
        await pool.check()
    assert "does not answer" in (pool.problem or "")
    async with serve(mailing.smtp_port):
        await pool.check()
        assert pool.problem is None
        await pool.close()


async def test_starttls_is_used_and_insisted_on(
    mailing: Settings, serve: Serve, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    file, context = certificate
    safe = msgspec.structs.replace(mailing, smtp_host="localhost", smtp_tls="starttls", smtp_ca=str(file))
    async with serve(mailing.smtp_port, context, require_starttls=True):
        pool = Pool(safe)
        async with pool.connection(soon()) as client:
            assert client.get_transport_info("sslcontext") is not None
        await pool.close()
    async with serve(mailing.smtp_port):  # offers none
        with pytest.raises(Unavailable):
            await Pool(safe).check()
        offered = Pool(msgspec.structs.replace(safe, smtp_tls="offered"))
        await offered.check()
        await offered.close()


async def test_a_relay_that_nobody_vouches_for_is_refused(
    mailing: Settings, serve: Serve, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    async with serve(mailing.smtp_port, certificate[1]):
        with pytest.raises(Unavailable):
            await Pool(msgspec.structs.replace(mailing, smtp_host="localhost", smtp_tls="starttls")).check()


async def test_a_relay_that_refuses_our_password_names_the_settings_and_not_the_password(
    mailing: Settings, serve: Serve, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    signed = msgspec.structs.replace(
        mailing, smtp_host="localhost", smtp_tls="starttls", smtp_ca=str(certificate[0]), smtp_user="hexad",
        smtp_password="canary",
    )  # fmt: skip
    async with serve(mailing.smtp_port, certificate[1], authenticator=lambda *_: _refused()):
        pool = Pool(signed)
        with pytest.raises(Unavailable, match="HEXAD_SMTP_PASSWORD") as refused:
            await pool.check()
    assert "canary" not in refused.value.detail


def _refused() -> object:
    from aiosmtpd.smtp import AuthResult

    return AuthResult(success=False, handled=False)


def test_certificates_that_cannot_be_read_are_said(mailing: Settings) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_SMTP_CA"):
        Pool(msgspec.structs.replace(mailing, smtp_ca="nowhere.pem"))


async def test_a_relay_that_says_nothing_is_waited_for_in_bounds(mailing: Settings) -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    pool = Pool(msgspec.structs.replace(mailing, smtp_timeout=0.2))
    async with listening(say_nothing, mailing.smtp_port), asyncio.timeout(60):
        with pytest.raises(Unavailable):
            await pool.check()
        await gone.wait()


async def test_an_idle_connection_that_the_relay_closed_is_replaced(mailing: Settings, serve: Serve) -> None:
    pool = Pool(mailing)
    async with serve(mailing.smtp_port, timeout=0.1) as relay:
        await pool.check()
        await asyncio.sleep(0.4)
        async with pool.connection(soon()) as client:
            assert isinstance(client, aiosmtplib.SMTP)
        assert relay.sessions == 2
        await pool.close()
