"""A server of this process for whoever connects: with it ends every connection that it took."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(handle: Handle, port: int = 0) -> AsyncIterator[int]:
    """Gives each connection to `handle` and yields the port; a connection ends with its handler, or is cut at the end.

    `asyncio.Server` leaves connections open when it is closed: a loop that ends before them never closes their sockets.
    """
    handlers = set[asyncio.Task[Any]]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await handle(reader, writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()
            handlers.discard(task)

    server = await asyncio.start_server(take, "127.0.0.1", port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await _turns()  # whoever was being accepted has a handler now
        for one in handlers:
            one.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await _turns()  # what was cut closes its socket in the loop's next turn


async def _turns() -> None:
    for _ in range(4):
        await asyncio.sleep(0)
