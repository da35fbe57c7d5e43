"""The mailbox page shows what was sent, escaped, and runs nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hexad.health import problem
from hexad.ports import address
from hexad.simulators.mailbox import Letter, Mailbox
from hexad.simulators.page import Page, render
from kernel.errors import Unavailable
from kernel.settings import Settings

EVIL = "<script>alert(1)</script> &amp; \"'"


def test_whatever_was_sent_is_text() -> None:
    page = render([Letter("email", datetime.now(UTC), EVIL, EVIL, EVIL, EVIL)])
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; &quot;&#x27;") == 4


def test_the_way_out_of_a_list_is_shown() -> None:
    headers = {"List-Unsubscribe": "<https://x/?a=1&b=<2>>", "X-Other": "hidden"}
    page = render([Letter("email", datetime.now(UTC), "a", "b", "c", "d", headers=headers)])
    assert "List-Unsubscribe: &lt;https://x/?a=1&amp;b=&lt;2&gt;&gt;" in page
    assert "hidden" not in page


def test_it_is_served_with_scripts_forbidden(tmp_path: Path, free_port: Callable[[], int]) -> None:
    box, port = Mailbox(tmp_path), free_port()
    with Page(Settings(mailbox_port=port), box):
        assert "Nothing yet" in httpx.get(f"http://127.0.0.1:{port}/").text
        box.keep([Letter("sms", datetime.now(UTC), "1069", "+8613800000000", "", "您好")])
        answer = httpx.get(f"http://127.0.0.1:{port}/")
        assert "您好" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/../../etc/passwd").status_code == 404


def test_a_port_in_use_names_the_setting(tmp_path: Path, free_port: Callable[[], int]) -> None:
    settings, box = Settings(mailbox_port=free_port()), Mailbox(tmp_path)
    with Page(settings, box), pytest.raises(Unavailable, match=r"is in use.*HEXAD_MAILBOX_PORT"):
        Page(settings, box)


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_it_is_served_at_an_ipv6_address(tmp_path: Path, free_port: Callable[[], int]) -> None:
    settings = Settings(mailbox_port=free_port(), simulator_host="::1")
    with Page(settings, Mailbox(tmp_path)):
        assert problem(address(settings, "mailbox_port")) == ""
