"""Everything that a handler may raise, turned into a problem; what we did not foresee is logged and says nothing."""

import math
from typing import Any, Literal, get_args, get_origin

import asyncpg
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from api.edge import problem
from api.edge.headers import listed, request_id
from api.edge.idempotency import Replay
from api.edge.methods import allowed
from api.edge.request import HttpRequest
from api.edge.validation import field_error
from kernel.errors import (
    FieldError,
    HexadError,
    InvalidInput,
    NotSignedIn,
    Overloaded,
    QuotaUsedUp,
    RateLimited,
    Unavailable,
    WrongCredentials,
)
from kernel.store.database import AWAY
from kernel.telemetry import logs
from mobile_contracts.base import Problem

_log = logs.logger(__name__)
_RETRY_SECONDS = 1


def _answer(request: HttpRequest, told: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    headers = {
        "Content-Language": problem.content_language(listed(request.scope, b"accept-language")),
        "Cache-Control": "no-store",
        **(headers or {}),
    }
    if told.status == 503:
        headers.setdefault("Retry-After", str(_RETRY_SECONDS))
    return Response(problem.encode(told), status_code=told.status, media_type=problem.MEDIA_TYPE, headers=headers)


def hexad_error(request: HttpRequest, error: HexadError) -> Response[bytes]:
    """An error of the house."""
    told = problem.of_error(error, listed(request.scope, b"accept-language"), request_id(request.scope))
    if told.status == 500:
        _log.error("request failed", exc_info=error)
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotSignedIn | WrongCredentials) else {}
    if isinstance(error, RateLimited | QuotaUsedUp):
        headers["Retry-After"] = str(math.ceil(error.wait))
    return _answer(request, told, headers)


def database_away(request: HttpRequest, error: Exception) -> Response[bytes]:
    """PostgreSQL left in the middle of the request; nothing was committed."""
    _log.warning("database away", error=type(error).__name__)
    return hexad_error(request, Unavailable())


def database_busy(request: HttpRequest, error: Exception) -> Response[bytes]:
    """A statement or a lock took longer than allowed; nothing was committed."""
    _log.warning("database busy", error=type(error).__name__)
    return hexad_error(request, Overloaded())


def database_refused(request: HttpRequest, error: Exception) -> Response[bytes]:
    """A value that PostgreSQL cannot hold came through our checks: the sender's fault, and a hole in the contract."""
    _log.error("value refused by the database", error=type(error).__name__, route=request.scope.get("path_template"))
    return hexad_error(request, InvalidInput())


def validation(request: HttpRequest, error: ValidationException) -> Response[bytes]:
    """The framework found the input not to fit the contract."""
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [_parameter_error(request, e) for e in extra if isinstance(e, dict)]
    return hexad_error(request, InvalidInput(errors=fields or [field_error("", error.detail)]))


def _parameter_error(request: HttpRequest, told: dict[str, Any]) -> FieldError:
    """The parameter by the name that the sender knows, with the values that it may have."""
    key = str(told.get("key", ""))
    known = request.route_handler.parsed_fn_signature.parameters.get(key)
    name = getattr(getattr(known, "kwarg_definition", None), "name", None) or key
    literal = known is not None and get_origin(known.annotation) is Literal
    return field_error(name, str(told.get("message", "")), get_args(known.annotation) if known and literal else ())


def http(request: HttpRequest, error: HTTPException) -> Response[bytes]:
    """The framework refused the request: no such route, wrong method, too large, not JSON."""
    if error.status_code == 400:
        return hexad_error(request, InvalidInput(errors=[field_error("", error.detail)]))
    told = problem.of_status(error.status_code, listed(request.scope, b"accept-language"), request_id(request.scope))
    return _answer(request, told, {k: allowed(v) for k, v in (error.headers or {}).items() if k.lower() == "allow"})


def unforeseen(request: HttpRequest, error: Exception) -> Response[bytes]:
    """A fault of ours: logged with its trace, told without any."""
    _log.error("request failed", exc_info=error)
    return _answer(
        request, problem.of_status(500, listed(request.scope, b"accept-language"), request_id(request.scope))
    )


def replay(request: HttpRequest, again: Replay) -> Response[bytes]:
    """The first answer to this Idempotency-Key."""
    return Response(again.body, status_code=again.status, headers={**again.headers, "Idempotency-Replayed": "true"})


HANDLERS: dict[int | type[Exception], Any] = {
    Exception: unforeseen,
    HTTPException: http,
    ValidationException: validation,
    HexadError: hexad_error,
    Replay: replay,
    asyncpg.DataError: database_refused,
    asyncpg.QueryCanceledError: database_busy,
    asyncpg.LockNotAvailableError: database_busy,
    asyncpg.DeadlockDetectedError: database_busy,
    asyncpg.SerializationError: database_busy,
    **dict.fromkeys(AWAY, database_away),
}
"""Which function answers for which exception; the nearest class wins."""
