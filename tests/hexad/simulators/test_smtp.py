"""The SMTP sink takes what a client sends, refuses whom it is told to, and is not to be hurt by what comes in."""

import asyncio
import signal
import socket
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from hexad.simulators.mailbox import Mailbox
from tests.hexad.running import HEXAD, own_environment
from tests.workers.smtp.test_letter import email
from workers.smtp.letter import compose


class Smtp:
    """A sink in a process of its own."""

    def __init__(self, var: Path, *options: str) -> None:
        self.environment = own_environment(var) | {"HEXAD_TOKEN_KEY": "", "HEXAD_LOG_LEVEL": "WARNING"}
        self.mailbox = Mailbox(var)
        self.process = subprocess.Popen([HEXAD, "simulate", "smtp", *options], env=self.environment)

    @property
    def port(self) -> int:
        """Where it takes mail."""
        return int(self.environment["HEXAD_SMTP_SIMULATOR_PORT"])

    async def send(self, *to: str, subject: str = "您好", text: str = "正文") -> dict[str, aiosmtplib.SMTPResponse]:
        """Sends one message as our own sender will; gives the recipients that were refused."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "no-reply@b.cn", ", ".join(to), subject
        message.set_content(text)
        message.add_alternative(f"<p>{text}</p>", subtype="html")
        refused, _ = await aiosmtplib.send(
            message, hostname="127.0.0.1", port=self.port, recipients=list(to), timeout=60
        )
        return dict(refused)


@pytest.fixture
def smtp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Smtp]:
    sink = Smtp(tmp_path, *getattr(request, "param", ()))
    url = f"http://127.0.0.1:{sink.environment['HEXAD_MAILBOX_PORT']}/health/ready"
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
        assert client.get(url).status_code == 200
    yield sink
    sink.process.send_signal(signal.SIGTERM)
    assert sink.process.wait(60) == 0


def test_a_message_is_kept_for_each_recipient(smtp: Smtp) -> None:
    assert asyncio.run(smtp.send("a@b.cn", "c@d.cn")) == {}
    letters = smtp.mailbox.newest(10)
    assert {letter.to for letter in letters} == {"a@b.cn", "c@d.cn"}
    assert {(letter.subject, letter.text.strip()) for letter in letters} == {("您好", "正文")}


def test_recipients_are_refused_for_good_or_for_now(smtp: Smtp) -> None:
    refused = asyncio.run(smtp.send("a@b.cn", "unknown@b.cn", "full@b.cn"))
    assert {to: answer[0] for to, answer in refused.items()} == {"unknown@b.cn": 550, "full@b.cn": 452}
    assert [letter.to for letter in smtp.mailbox.newest(10)] == ["a@b.cn"]


async def test_headers_and_the_html_part_are_kept_with_the_message_id(smtp: Smtp) -> None:
    link = "<https://hexad.firm.cn/v1/auth/unsubscribe?token=A>"
    letter = compose(email(headers={"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}))
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp.port) as client:
        await client.sendmail(letter.sender, [letter.to], letter.content)
    (kept,) = smtp.mailbox.newest(10)
    assert kept.headers["List-Unsubscribe"] == link
    assert kept.html.strip() == "<p>您好</p>"
    assert kept.id == f"<{email().id}@firm.cn>"


@pytest.mark.parametrize(
    ("smtp", "code"), [(("--refuse", "1"), 554), (("--later", "1"), 451), (("--hang-up", "1"), 421)], indirect=["smtp"]
)
def test_a_sink_may_have_its_manner(smtp: Smtp, code: int) -> None:
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        asyncio.run(smtp.send("a@b.cn"))
    assert refused.value.code == code
    assert smtp.mailbox.newest(1) == []


async def test_what_cannot_be_decoded_is_kept_as_such(smtp: Smtp) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp.port) as client:
        broken = b"Subject: =?x-unknown?B?////?=\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\n\xff\xfe\x00\r\n"
        await client.sendmail("a@b.cn", ["c@d.cn"], broken)
    assert "cannot be read" in smtp.mailbox.newest(1)[0].text


async def test_a_giant_is_refused(smtp: Smtp) -> None:
    with pytest.raises(aiosmtplib.SMTPResponseException):
        await smtp.send("a@b.cn", text="x" * (11 << 20))
    assert smtp.mailbox.newest(1) == []


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    environment = own_environment(tmp_path)
    with socket.create_server(("127.0.0.1", int(environment["HEXAD_SMTP_SIMULATOR_PORT"]))):
        refused = subprocess.run(
            [HEXAD, "simulate", "smtp"], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    assert refused.returncode == 1
    assert "HEXAD_SMTP_SIMULATOR_PORT" in refused.stderr
    assert (refused.stdout + refused.stderr).count("\n") == 1


async def test_a_client_that_stays_does_not_hold_up_the_stop(smtp: Smtp) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp.port) as staying:
        await staying.noop()
        smtp.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(smtp.process.wait, 60) == 0
        staying.close()
