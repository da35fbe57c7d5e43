"""The real server: starts, serves, refuses slow senders, outlives PostgreSQL, and stops without cutting anybody off."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from api.run import serve
from hexad.embedded import Postgres
from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings
from tests.api.conftest import SignIn
from tests.conftest import child_environment
from tests.kernel.process.test_parent import lives

ROOT = Path(__file__).parents[2]
_RUN = "from kernel.settings import current; from api.run import serve; serve(current())"
Server = tuple["subprocess.Popen[bytes]", str]


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """A server of its own process; gives it and its address."""
    with (settings.var / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN],
            cwd=ROOT,
            env=child_environment(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{settings.api_port}"
    try:
        wait_until(lambda: status(f"{url}/health/live") == 200, 120)
        yield process, url
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(90)


def status(url: str, headers: dict[str, str] | None = None) -> int:
    """The status of a GET, 0 when nobody answers."""
    try:
        return httpx.get(url, timeout=30, headers=headers).status_code
    except httpx.TransportError:
        return 0


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Returns as soon as it holds; fails when it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to be in time"
        time.sleep(0.05)


@pytest.fixture
def here(own_settings: Settings, free_port: Callable[[], int]) -> Settings:
    """Settings with a port that is free."""
    return msgspec.structs.replace(own_settings, api_port=free_port())


async def test_a_stop_lets_the_request_in_work_finish(here: Settings, sign_in: SignIn, postgres: Postgres) -> None:
    headers = {**await sign_in(), "If-Match": '"0"'}
    name = here.owner_url.split("?")[0].rsplit("/")[-1]
    answers: list[int] = []
    with serving(here) as (process, url):
        lock = subprocess.Popen(
            [sys.executable, "-c", _LOCK],
            env={**child_environment(here)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert lock.stdout is not None
        assert lock.stdout.readline() == b"locked\n"
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx.put(f"{url}/v1/staff/calendar/2026-11-23", json={"open": False}, headers=headers).status_code
            )
        )
        asking.start()
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        wait_until(lambda: postgres.psql("-c", waiting, database=name) != "0", 60)
        process.send_signal(signal.SIGTERM)
        lock.communicate(b"go\n", timeout=60)
        asking.join(60)
        assert answers == [200]
        assert process.wait(60) == 0


_LOCK = """
import asyncio, sys, asyncpg
from kernel.settings import current
async def main():
    connection = await asyncpg.connect(current().database_url)
    async with connection.transaction():
        await connection.execute("lock table trading_day in share mode")
        print("locked", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


async def test_it_comes_back_by_itself_when_postgresql_was_away(
    own_cluster: Postgres, here: Settings, sign_in: SignIn
) -> None:
    settings = msgspec.structs.replace(here, database_url=own_cluster.url("hexad_app"))
    with serving(settings) as (process, url):
        wait_until(lambda: status(f"{url}/health/ready") == 200, 60)
        own_cluster.stop("immediate")
        wait_until(lambda: status(f"{url}/health/ready") == 503, 60)
        assert status(f"{url}/v1/staff/jobs", headers=await sign_in()) == 503
        assert status(f"{url}/health/live") == 200
        own_cluster.start()
        wait_until(lambda: status(f"{url}/health/ready") == 200, 60)
        assert process.poll() is None


async def test_two_workers_count_together(here: Settings, sign_in: SignIn) -> None:
    settings = msgspec.structs.replace(here, api_workers=2)
    with serving(settings) as (_, url):
        for _ in range(20):
            with httpx.Client() as client:
                client.get(f"{url}/v1/auth/keys")
        line = 'hexad_http_requests_total{method="GET",route="/v1/auth/keys",status="200"} 20.0'
        wait_until(lambda: line in httpx.get(f"{url}/metrics").text, 60)


async def test_everything_it_says_is_json_without_personal_data(here: Settings, sign_in: SignIn) -> None:
    headers = await sign_in()
    with serving(here) as (_, url):
        httpx.get(f"{url}/v1/staff/calendar/2026-11-23", headers={**headers, "X-Request-Id": "canary-request"})
        httpx.get(f"{url}/v1/staff/13812345678?mobile=13812345678", headers=headers)
    said = (here.var / "api.log").read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    (asked,) = [line for line in lines if line.get("request_id") == "canary-request"]
    assert (asked["route"], asked["principal"], asked["status"]) == ("/v1/staff/calendar/{day}", "staff:10086", 200)
    assert "13812345678" not in said
    assert headers["Authorization"].removeprefix("Bearer ") not in said


async def test_a_body_that_breaks_off_is_the_senders_fault(here: Settings, sign_in: SignIn) -> None:
    token = (await sign_in())["Authorization"].encode()
    start = (
        b"PUT /v1/staff/calendar/2026-11-23 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b'If-Match: "0"\r\nAuthorization: ' + token + b"\r\n"
    )
    with serving(here) as (_, url):
        for rest in (b'Content-Length: 100\r\n\r\n{"open": true}', b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"):
            with socket.create_connection(("127.0.0.1", here.api_port), timeout=60) as client:
                client.sendall(start + rest)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(4096)[:12] in (b"", b"HTTP/1.1 400")
        wait_until(lambda: 'status="400"' in httpx.get(f"{url}/metrics").text, 60)
        assert 'status="500"' not in httpx.get(f"{url}/metrics").text


async def test_whoever_dawdles_with_headers_or_a_body_is_cut_off(here: Settings, sign_in: SignIn) -> None:
    token = (await sign_in())["Authorization"].encode()
    with serving(here), contextlib.ExitStack() as held:
        slow, slower = (
            held.enter_context(socket.create_connection(("127.0.0.1", here.api_port), timeout=60)) for _ in range(2)
        )
        slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        slower.sendall(
            b"PUT /v1/staff/calendar/2026-11-23 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b'If-Match: "0"\r\nContent-Length: 100\r\nAuthorization: ' + token + b'\r\n\r\n{"open'
        )
        assert slow.recv(4096)[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 400")
        assert slower.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("said", [b"", b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], ids=["nothing", "a letter", "http2"])
def test_a_connection_on_which_nothing_is_asked_ends(here: Settings, said: bytes) -> None:
    with serving(here), socket.create_connection(("127.0.0.1", here.api_port), 60) as silent:
        silent.sendall(said)
        while silent.recv(4096):  # raises TimeoutError when it is held for ever
            pass


def test_a_slash_inside_a_number_reaches_its_route(here: Settings) -> None:
    with serving(here) as (_, url):
        asked = {path: status(f"{url}/v1/staff/customers/{path}") for path in ("A%2F1", "A%2f1/contact", "A/1")}
    assert asked == {"A%2F1": 401, "A%2f1/contact": 401, "A/1": 404}


def test_a_second_one_on_the_same_port_is_refused(here: Settings) -> None:
    with serving(here) as (_, url):
        with pytest.raises(Unavailable, match=rf"port {here.api_port} is in use by process.*HEXAD_API_PORT"):
            serve(here)
        assert status(f"{url}/health/live") == 200


def test_after_a_kill_of_the_main_process_nobody_serves_on(here: Settings) -> None:
    with serving(here) as (process, url):
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(lives, children)), 60)
        assert status(f"{url}/health/live") == 0


@pytest.mark.parametrize("wrong", ["", "short"])
def test_a_missing_or_wrong_key_stops_it_before_a_worker_starts(here: Settings, wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_TOKEN_KEY"):
        serve(msgspec.structs.replace(here, token_key=wrong))


def test_a_folder_that_workers_cannot_count_in_is_named(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wrong = msgspec.structs.replace(here, api_workers=2, var=tmp_path / "file" / "var")
    with pytest.raises(Misconfigured, match=r"HEXAD_VAR is .*HEXAD_API_WORKERS"):
        serve(wrong)


def test_slow_bodies_of_one_address_keep_nobody_waiting(here: Settings) -> None:
    settings = msgspec.structs.replace(here, api_inflight=2, bodies_per_address=10)
    with serving(settings) as (_, url), contextlib.ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", here.api_port), 30)) for _ in range(40)]
        for one in slow:
            one.sendall(b"POST /v1/auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        wait_until(lambda: "hexad_http_slow_bodies_total 30.0" in httpx.get(f"{url}/metrics").text, 90)
        assert {status(f"{url}/v1/auth/keys") for _ in range(20)} == {200}
        assert httpx.post(f"{url}/v1/auth/refresh", json={}).status_code == 400
        assert status(f"{url}/health/ready") == 200
        assert slow[0].recv(4096).startswith(b"HTTP/1.1 408")


async def test_every_refusal_is_read_by_who_sends_a_mebibyte(here: Settings, sign_in: SignIn) -> None:
    refusals = {
        401: ("/v1/staff/broadcasts", {}, 0),
        403: ("/v1/staff/broadcasts", await sign_in("investor"), 0),
        404: ("/v1/nowhere", {}, 0),
        405: ("/v1/auth/keys", {}, 0),
        413: ("/v1/auth/refresh", {}, 3 << 20),
    }
    with serving(here):
        for expected, (path, headers, more) in refusals.items():
            given = [_mebibyte(here.api_port, path, headers, more) for _ in range(20)]
            assert given == [(expected, 200)] * 20


def _mebibyte(port: int, path: str, headers: dict[str, str], more: int) -> tuple[int, int]:
    """What a POST of 1 MiB is answered, and what the next request on the same connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", path, b"x" * ((1 << 20) + more), headers)
        answer = connection.getresponse()
        answer.read()
        connection.request("GET", "/v1/auth/keys")
        return answer.status, connection.getresponse().status
