"""The request as routes see it."""

from typing import Any

from litestar import Request

from kernel.errors import InvalidInput


class HttpRequest(Request[Any, Any, Any]):
    """A request whose JSON holds nothing that PostgreSQL or a phone could not."""

    async def body(self) -> bytes:
        """The body; raises `InvalidInput` when it holds the character NUL."""
        body = await super().body()
        if b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b""):
            raise InvalidInput("the character NUL is not allowed", "不允许空字符")
        return body

    async def json(self) -> Any:
        """The body as JSON; raises `InvalidInput` when it is nested too deeply or is not UTF-8."""
        try:
            return await super().json()
        except RecursionError as error:
            raise InvalidInput("the JSON is nested too deeply", "JSON 嵌套过深") from error
        except UnicodeDecodeError as error:
            raise InvalidInput("the JSON is not UTF-8", "JSON 不是 UTF-8 编码") from error
