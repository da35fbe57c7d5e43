"""A wire to a service that can be cut: a process that passes connections on; killing it breaks them all.

python -m tests.faults.wire PORT FAR_HOST FAR_PORT
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.conftest import BROKER_URL


@contextlib.contextmanager
def wire(port: int, url: str = BROKER_URL) -> Iterator[None]:
    """The service of the address can be reached at the port until the block ends."""
    far = urlsplit(url)
    command = [sys.executable, "-m", "tests.faults.wire", str(port), str(far.hostname), str(far.port)]
    with subprocess.Popen(command) as process:
        try:
            _wait_for(port)
            yield
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


async def _serve(port: int, host: str, far_port: int) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, far_port)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    server = await asyncio.start_server(pass_on, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
