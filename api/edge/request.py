"""The request as routes see it."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from api.edge.faults import faults
from api.edge.headers import listed
from api.edge.path import with_slashes
from kernel.errors import InvalidInput
from kernel.text.characters import whole

_UTF8 = ("utf-8", "utf8")


class HttpRequest(Request[Any, Any, Any]):
    """A request whose JSON fits its contract to the letter, and holds nothing that PostgreSQL or a phone could not."""

    @property
    def path_params(self) -> dict[str, Any]:
        return with_slashes(super().path_params)

    async def json(self) -> Any:
        """The body as its contract, without any conversion; raises `InvalidInput`, or 415 for what is not JSON.

        With `opt={"each": Receipt}` the route looks at each item by itself: one that holds NUL harms no other, and
        half a character (a text message cut in the middle of one) is read as U+FFFD.
        """
        self._require_json()
        body = await self.body()
        field = self.route_handler.parsed_data_field
        kind = Any if field is None else field.annotation
        if self.route_handler.opt.get("each"):
            body = whole(body)
        elif b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b""):
            raise InvalidInput("the character NUL is not allowed", "不允许空字符")
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise InvalidInput(errors=faults(body, kind, error)) from error
        except RecursionError as error:
            raise InvalidInput("the JSON is nested too deeply", "JSON 嵌套过深") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput("the body is not JSON in UTF-8", "请求体不是 UTF-8 编码的 JSON") from error

    def _require_json(self) -> None:
        kind, parameters = self.content_type
        charset = parameters.get("charset", "utf-8").strip('"').lower()
        codings = {one.strip().lower() for one in listed(self.scope, b"content-encoding").split(",")}
        if kind.lower() != "application/json" or charset not in _UTF8 or codings - {"", "identity"}:
            raise HTTPException(status_code=415)
