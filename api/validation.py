"""What msgspec says of a field that does not fit, told in both languages."""

import re

from kernel.errors import FieldError

_WHERE = re.compile(r" - at `\$(.*)`$")
_CHINESE = [
    (re.compile(r"Object missing required field `(.+)`"), r"缺少必填字段 \1"),
    (re.compile(r"Object contains unknown field `(.+)`"), r"含有未知字段 \1"),
    (re.compile(r"Expected `(.+)`, got `(.+)`"), r"应为 \1,实际为 \2"),
    (re.compile(r"Expected `(\w+)` of length <= (\d+)"), r"长度不得超过 \2"),
    (re.compile(r"Expected `(\w+)` of length >= (\d+)"), r"长度不得少于 \2"),
    (re.compile(r"Expected `(\w+)` <= (.+)"), r"不得大于 \2"),
    (re.compile(r"Expected `(\w+)` >= (.+)"), r"不得小于 \2"),
    (re.compile(r"Expected `(\w+)` matching regex (.+)"), r"格式不符:\2"),
    (re.compile(r"Invalid RFC3339 encoded (\w+)|Invalid ISO8601 (\w+)"), r"日期或时间格式无效"),
    (re.compile(r"Invalid enum value (.+)"), r"取值无效 \1"),
    (re.compile(r"Invalid UUID"), r"UUID 无效"),
    (re.compile(r"Missing required .* parameter '(.+)'.*"), r"缺少参数 \1"),
    (
        re.compile(r"JSON is malformed.*|Input data was truncated.*|.*invalid utf-8.*", re.IGNORECASE),
        r"不是有效的 JSON",
    ),
]
_SHOWN_AT_MOST = 300


def field_error(key: str, message: str) -> FieldError:
    """The field and what is wrong with it, from msgspec's or the framework's message."""
    message = message[:_SHOWN_AT_MOST]
    if where := _WHERE.search(message):
        message, key = message[: where.start()], where[1].lstrip(".") or key
    if named := re.search(r"field `(.+?)`", message):
        key = ".".join(part for part in (key, named[1]) if part and part != "data") if key != named[1] else key
    return FieldError("" if key == "data" else key, message, _chinese(message))


def _chinese(message: str) -> str:
    for pattern, text in _CHINESE:
        if match := pattern.fullmatch(message):
            return match.expand(text)
    return message
