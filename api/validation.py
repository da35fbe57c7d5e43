"""What msgspec says of a field that does not fit, told in both languages."""

import re

from kernel.errors import FieldError
from mobile_contracts.base import NO_CONTROLS, REASON

_WHERE = re.compile(r" - at `\$(.*)`\Z")
_MISSING = re.compile(r"Missing required \w+ parameter '(.+?)'")
_CHINESE = [
    (r"Object missing required field `(.+)`", r"缺少必填字段 \1"),
    (r"Object contains unknown field `(.+)`", r"含有未知字段 \1"),
    (r"Expected `(.+)`, got `(.+)`", r"应为 \1,实际为 \2"),
    (r"Expected `(?:\w+)` of length <= (\d+)", r"长度不得超过 \1"),
    (r"Expected `(?:\w+)` of length >= (\d+)", r"长度不得少于 \1"),
    (r"Expected `(?:\w+)` <= (.+)", r"不得大于 \1"),
    (r"Expected `(?:\w+)` >= (.+)", r"不得小于 \1"),
    (r"Expected `(?:\w+)` that's a multiple of (.+)", r"应为 \1 的倍数"),
    (r"At least 4 visible characters in one line are needed", r"须为一行文字,至少 4 个可见字符"),
    (r"Control characters are not allowed", r"不允许控制字符"),
    (r"Expected `(?:\w+)` matching regex (.+)", r"格式不符:\1"),
    (r"Expected `datetime` with a timezone component", r"须带时区,例如 +08:00"),
    (r"Invalid RFC3339 encoded .+|Invalid ISO8601 .+|Invalid date.*", r"日期或时间格式无效"),
    (r"Invalid enum value (.+?): one of (.+)", r"取值无效 \1,应为其中之一:\2"),
    (r"Invalid enum value (.+)", r"取值无效 \1"),
    (r"The time in field `(.+)` is not between 1970 and 2199", r"时间须在 1970 年至 2199 年之间"),
    (r"Invalid UUID", r"UUID 无效"),
    (r"Invalid base64 encoded string", r"base64 编码无效"),
    (r"Invalid decimal string", r"小数格式无效"),
    (r"Integer value out of range", r"整数超出范围"),
    (r"Number out of range", r"数值超出范围"),
    (r"Missing required .* parameter '(.+?)'.*", r"缺少参数 \1"),
]
_PATTERNS = [(re.compile(pattern, re.DOTALL), chinese) for pattern, chinese in _CHINESE]
_SHOWN_AT_MOST = 200


def field_error(field: str, message: str, allowed: tuple[object, ...] = ()) -> FieldError:
    """The field and what is wrong with it, from the validator's message; `allowed` are the values of an enumeration."""
    if where := _WHERE.search(message):
        message, field = message[: where.start()], where[1].lstrip(".") or field
    if named := re.search(r"field `(.+?)`", message, re.DOTALL):
        field = ".".join(part for part in (field, named[1]) if part)
    if missing := _MISSING.match(message):
        field = missing[1]
    plain = message.replace("\\\\", "\\")
    if NO_CONTROLS in plain:
        message = "Control characters are not allowed"
    if REASON in plain:
        message = "At least 4 visible characters in one line are needed"
    if allowed and message.startswith("Invalid enum value"):
        message = f"{message}: one of {', '.join(map(str, allowed))}"
    return FieldError(field[:_SHOWN_AT_MOST], message[:_SHOWN_AT_MOST], _chinese(message)[:_SHOWN_AT_MOST])


def _chinese(message: str) -> str:
    for pattern, text in _PATTERNS:
        if match := pattern.fullmatch(message):
            return match.expand(text)
    return message
