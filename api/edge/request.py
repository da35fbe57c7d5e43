"""The request as routes see it."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from api.edge.headers import header
from api.validation import field_error
from kernel.errors import InvalidInput


class HttpRequest(Request[Any, Any, Any]):
    """A request whose JSON fits its contract to the letter, and holds nothing that PostgreSQL or a phone could not."""

    async def body(self) -> bytes:
        """The body; raises `InvalidInput` when it holds the character NUL, or is empty where the route needs one."""
        body = await super().body()
        if not body and self._data_field is not None:
            raise InvalidInput("the body is empty, JSON is expected", "请求体为空,应为 JSON")
        if b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b""):
            raise InvalidInput("the character NUL is not allowed", "不允许空字符")
        return body

    async def json(self) -> Any:
        """The body as its contract, without any conversion; raises `InvalidInput`, or 415 for what is not JSON."""
        self._require_json()
        body = await self.body()
        kind = Any if self._data_field is None else self._data_field.annotation
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise InvalidInput(errors=[field_error("", str(error))]) from error
        except RecursionError as error:
            raise InvalidInput("the JSON is nested too deeply", "JSON 嵌套过深") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput("the body is not JSON in UTF-8", "请求体不是 UTF-8 编码的 JSON") from error

    @property
    def _data_field(self) -> Any:
        return self.route_handler.parsed_data_field

    def _require_json(self) -> None:
        kind, parameters = self.content_type
        charset = parameters.get("charset", "utf-8").lower()
        if kind != "application/json" or charset != "utf-8" or header(self.scope, b"content-encoding"):
            raise HTTPException(status_code=415)
