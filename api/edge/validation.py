"""What msgspec says of a field that does not fit, as a code and told in both languages."""

import re

from kernel.errors import FieldError
from mobile_contracts.base import NO_CONTROLS, REASON

WHERE = re.compile(r" - at `(?:key in )?\$(.*)`\Z")
"""Where msgspec ends what it says with the path of the value."""
_MISSING = re.compile(r"Missing required \w+ parameter '(.+?)'")
_TELLING = [
    (r"Object missing required field `(.+)`", "missing", r"this field is missing: \1", r"缺少必填字段 \1"),
    (r"Object contains unknown field `(.+)`", "unknown", r"there is no such field: \1", r"含有未知字段 \1"),
    (r"Missing required .* parameter '(.+?)'.*", "missing", r"this parameter is missing: \1", r"缺少参数 \1"),
    (r"Expected `str` of length <= (\d+)", "too_long", r"has at most \1 characters", r"长度不得超过 \1"),
    (r"Expected `str` of length >= (\d+)", "too_short", r"has at least \1 characters", r"长度不得少于 \1"),
    (r"Expected `\w+` of length <= (\d+)", "too_long", r"has at most \1 members", r"最多 \1 项"),
    (r"Expected `\w+` of length >= (\d+)", "too_short", r"has at least \1 members", r"至少 \1 项"),
    (r"Expected `\w+` <= (.+)", "too_large", r"is at most \1", r"不得大于 \1"),
    (r"Expected `\w+` < (.+)", "too_large", r"is less than \1", r"须小于 \1"),
    (r"Expected `\w+` >= (.+)", "too_small", r"is at least \1", r"不得小于 \1"),
    (r"Expected `\w+` > (.+)", "too_small", r"is more than \1", r"须大于 \1"),
    (r"Expected `\w+` that's a multiple of (.+)", "step", r"is a multiple of \1", r"应为 \1 的倍数"),
    (r"Expected `\w+` matching regex .*", "format", "is not written as this field is", "格式不符"),
    (r"Expected `datetime` with a timezone component", "timezone", "needs an offset such as +08:00",
     "须带时区,例如 +08:00"),
    (r"Invalid RFC3339 encoded date", "date", "is a day such as 2026-11-23", "须为日期,例如 2026-11-23"),
    (r"Invalid RFC3339 encoded time", "date", "is a time such as 09:30:00", "须为时刻,例如 09:30:00"),
    (r"Invalid (RFC3339|ISO8601|date|epoch|time).*", "date", "is a time such as 2026-11-23T09:30:00+08:00",
     "日期或时间格式无效,例如 2026-11-23T09:30:00+08:00"),
    (r"Invalid enum value (.+?): one of (.+)", "choice", r"\1 is none of \2", r"取值无效 \1,应为其中之一:\2"),
    (r"Invalid (?:enum )?value (.+)", "choice", r"\1 is no value of this field", r"取值无效 \1"),
    (r"The time in field `(.+)` is not between 1970 and 2199", "out_of_range", "is a time between 1970 and 2199",
     "时间须在 1970 年至 2199 年之间"),
    (r"Invalid UUID", "uuid", "is not a UUID", "UUID 无效"),
    (r"Invalid base64 encoded string", "base64", "is not base64", "base64 编码无效"),
    (r"Invalid decimal string", "decimal", "is a decimal number as a string", "小数格式无效"),
    (r"Integer value out of range", "out_of_range", "is beyond what a whole number may be", "整数超出范围"),
    (r"Number out of range", "out_of_range", "is beyond what a number may be", "数值超出范围"),
]  # fmt: skip
_TOLD = [(re.compile(pattern, re.DOTALL), code, english, zh) for pattern, code, english, zh in _TELLING]
_KIND = re.compile(r"Expected `(.+)`, got `(.+)`")
_KINDS = {
    "str": ("text", "文本"), "int": ("a whole number", "整数"), "float": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"), "array": ("a list", "列表"), "object": ("an object", "对象"),
    "null": ("null", "null"), "date": ("a day", "日期"), "datetime": ("a time", "时间"), "uuid": ("a UUID", "UUID"),
    "decimal": ("a number", "小数"),
}  # fmt: skip
_CONTROLS = ("control", "holds a character that cannot be seen, such as a line break", "不允许控制字符")
_REASON = ("too_short", "is one line of at least 4 characters that can be seen", "须为一行文字,至少 4 个可见字符")
_SHOWN_AT_MOST = 200


def field_error(field: str, message: str, allowed: tuple[object, ...] = ()) -> FieldError:
    """The field and what is wrong with it, from the validator's message; `allowed` are the values of an enumeration."""
    if where := WHERE.search(message):
        message, field = message[: where.start()], where[1].lstrip(".") or field
    if named := re.search(r"field `(.+?)`", message, re.DOTALL):
        field = ".".join(part for part in (field, named[1]) if part)
    if missing := _MISSING.match(message):
        field = missing[1]
    if allowed and message.startswith("Invalid enum value"):
        message = f"{message}: one of {', '.join(map(str, allowed))}"
    code, english, chinese = _told(message)
    return FieldError(field[:_SHOWN_AT_MOST], english[:_SHOWN_AT_MOST], chinese[:_SHOWN_AT_MOST], code)


def _told(message: str) -> tuple[str, str, str]:
    """Code, English and Chinese words."""
    plain = message.replace("\\\\", "\\")
    if REASON in plain:
        return _REASON
    if NO_CONTROLS in plain:
        return _CONTROLS
    if kinds := _KIND.fullmatch(message):
        return "type", f"must be {_named(kinds, 0)}, not {_named(kinds, 0, 2)}", _chinese_kinds(kinds)
    for pattern, code, english, chinese in _TOLD:
        if match := pattern.fullmatch(message):
            return code, match.expand(english), match.expand(chinese)
    return "invalid", message, message


def _chinese_kinds(kinds: re.Match[str]) -> str:
    return f"应为 {_named(kinds, 1)},实际为 {_named(kinds, 1, 2)}"


def _named(kinds: re.Match[str], language: int, which: int = 1) -> str:
    """What a JSON value is, in words: `str | null` is text or null."""
    return (" or ", " 或 ")[language].join(
        _KINDS.get(kind, (kind, kind))[language] for kind in kinds[which].split(" | ")
    )
