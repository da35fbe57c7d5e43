"""Errors as RFC 9457 problems, in the reader's language; nowhere else does an error meet an HTTP status."""

from collections.abc import Mapping

import msgspec

from kernel import errors
from kernel.errors import FieldError, HexadError
from kernel.text.negotiation import language
from mobile_contracts.base import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[HexadError], int] = {
    errors.InvalidInput: 400,
    errors.CursorInvalid: 400,
    errors.KeyRequired: 400,
    errors.NotSignedIn: 401,
    errors.TokenExpired: 401,
    errors.TokenReused: 401,
    errors.SessionOver: 401,
    errors.WrongCredentials: 401,
    errors.SignatureRefused: 401,
    errors.ClockSkewed: 401,
    errors.DeviceRevoked: 403,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.TooSlow: 408,
    errors.StillRunning: 409,
    errors.NotEmpty: 409,
    errors.SignatureUsed: 409,
    errors.ProductWithdrawn: 409,
    errors.PriceChanged: 409,
    errors.AgreementChanged: 409,
    errors.AlreadySubscribed: 409,
    errors.CodeRefused: 409,
    errors.NoMobile: 409,
    errors.QuestionnaireMissing: 409,
    errors.QuestionnaireExpired: 409,
    errors.QuestionnaireChanged: 409,
    errors.RiskTooHigh: 409,
    errors.CustomerNotActive: 409,
    errors.NotCancellable: 409,
    errors.WrongState: 409,
    errors.WithdrawnByCustomer: 409,
    errors.NotLicensed: 403,
    errors.ConversationClosed: 409,
    errors.VersionConflict: 412,
    errors.AppTooOld: 426,
    errors.TooLarge: 413,
    errors.VersionRequired: 428,
    errors.KeyReused: 422,
    errors.RateLimited: 429,
    errors.QuotaUsedUp: 429,
    errors.Overloaded: 503,
    errors.Unavailable: 503,
}
"""The status of each error; one that is not here is a fault of ours: 500."""

_PLAIN = {
    404: ("not_found", "There is nothing here.", "此处没有内容"),
    405: ("method_not_allowed", "This method is not offered here.", "不支持该请求方法"),
    406: ("not_acceptable", "None of the accepted media types is offered here.", "无法提供所要求的媒体类型"),
    415: ("unsupported_media_type", "The body must be JSON in UTF-8.", "请求体须为 UTF-8 编码的 JSON"),
    500: ("internal", "Something went wrong on our side; it has been recorded.", "系统内部错误,已记录"),
}


def content_language(accept_language: str) -> str:
    """The language of a problem, as Content-Language names it."""
    return "zh-CN" if language(accept_language) == "zh" else "en"


def of_error(error: HexadError, accept_language: str, request_id: str) -> Problem:
    """The problem that tells a reader of this error."""
    status = STATUS.get(type(error), 500)
    if status == 500:
        return of_status(500, accept_language, request_id)
    chinese = language(accept_language) == "zh"
    return Problem(
        type=f"urn:hexad:problem:{error.code}",
        title=error.zh if chinese else error.title,
        status=status,
        code=error.code,
        detail=error.detail_zh if chinese else error.detail,
        request_id=request_id,
        errors=[_field(field, chinese=chinese) for field in error.errors],
    )


def of_status(status: int, accept_language: str, request_id: str) -> Problem:
    """The problem for a status that the framework itself gave."""
    code, english, chinese = _PLAIN.get(status) or (("invalid_input", *_titles(errors.InvalidInput)))
    if status not in _PLAIN and status >= 500:
        code, english, chinese = _PLAIN[500]
    title = chinese if language(accept_language) == "zh" else english
    return Problem(
        type=f"urn:hexad:problem:{code}", title=title, status=status, code=code, detail="", request_id=request_id
    )


def encode(problem: Problem) -> bytes:
    """The problem as it is sent."""
    return msgspec.json.encode(problem)


def _titles(kind: type[HexadError]) -> tuple[str, str]:
    error = kind()
    return error.title, error.zh


def _field(error: FieldError, *, chinese: bool) -> FieldProblem:
    return FieldProblem(error.field, error.message_zh if chinese else error.message, error.code)
