"""A server of a bench or a test ends with all that it took: nothing of it is left for a loop that is closed."""

import asyncio
import gc
import warnings

from bench.listener import listening


def test_a_connection_that_hangs_ends_with_its_server() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert asyncio.run(_asked_and_left()) == b""
        gc.collect()
    assert [str(one.message) for one in said] == []


async def _asked_and_left() -> bytes:
    came = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()

    async with listening(hang) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await came.wait()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_connection_ends_with_its_handler_and_gets_all_that_was_written() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline() * 100_000)

    async with listening(answer) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"again\n")
        assert len(await reader.read()) == 600_000
        writer.close()
        await writer.wait_closed()


async def test_who_breaks_off_ends_only_their_own() -> None:
    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))

    async with listening(read) as port:
        for said, answered in ((b"no", b""), (b"well", b"well")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            writer.write_eof()
            assert await reader.read() == answered
            writer.close()
            await writer.wait_closed()
