"""The OpenAPI document of each audience, and its page: Swagger UI from our own files, nothing from elsewhere."""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath
from litestar.routes import HTTPRoute
from litestar.static_files import create_static_files_router

from api.edge import problem
from api.edge.closed import close_inputs
from api.edge.identify import public
from api.edge.request import HttpRequest
from kernel.errors import NotFound
from mobile_contracts.base import Problem
from mobile_contracts.published import published

ASSETS = Path(str(metadata.distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
_TITLES = {"staff": "for brokers and staff", "investor": "for investors", "gateway": "for gateways and source systems",
           "auth": "for signing in"}  # fmt: skip
_TOKEN = {"token": SecurityScheme(type="http", scheme="bearer")}
_SCHEMES = {
    "gateway": {
        name.lower(): SecurityScheme(
            type="apiKey", security_scheme_in="header", name=f"X-Hexad-{name}", description=told
        )
        for name, told in {
            "Gateway": "name of the gateway",
            "Timestamp": "Unix seconds, at most 300 from ours",
            "Signature": "sha256= and the hexadecimal HMAC-SHA256 of timestamp, a dot and the body; good once",
        }.items()
    }
}
"""How a request shows who asks, where it is not by a token."""

_ASKED = {
    "X-App-Version": ("version of the app, for instance 2.13.1", False),
    "Accept-Language": ("zh or en, the language of problems; zh without it", False),
    "If-None-Match": ("the ETag of what the client has: 304 when it is still so", False),
    "If-Match": ("the ETag of what is changed, * for any version: 412 when it is another by now", True),
    "Idempotency-Key": ("8 to 100 printable ASCII characters; repeating a request with its key is safe", True),
}
_GIVEN = {
    "ETag": "version or fingerprint of what was answered",
    "X-Request-Id": "goes by this name in logs",
    "RateLimit-Limit": "requests at once",
    "RateLimit-Remaining": "requests left now",
    "RateLimit-Reset": "seconds until all are there again",
}
_GIVEN_WITH_PROBLEMS = {
    "Retry-After": "with 429 and 503: seconds after which it may be asked again",
    "WWW-Authenticate": "with 401: Bearer",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Hexad API {title}</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"><link rel="icon" href="/docs/assets/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div><script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/{audience}/page.js"></script></body></html>
"""
_SCRIPT = """SwaggerUIBundle({{url: "/docs/{audience}/openapi.json", dom_id: "#swagger-ui", deepLinking: true,
  persistAuthorization: false, validatorUrl: null}});
"""
_GENERIC = re.compile(rb'\b(\w+?)_mobile_contracts\.(?:\w+\.)*(\w+)_(?=")')
_WHY = "the description of the API holds no data"
_REFUSALS = (400, 401, 403, 404, 426, 429, 500, 503)
"""Statuses that any request may be answered with."""
_REFUSALS_OF_CHANGES, _REFUSALS_OF_VERSIONS, _REFUSALS_OF_KEYS = (408, 409, 413, 415), (412, 428), (422,)
"""Those of requests other than GET, of those with If-Match, and of those with an Idempotency-Key."""


def document(audience: str, router: Router) -> dict[str, Any]:
    """The OpenAPI document of one audience's routes."""
    config = OpenAPIConfig(
        title=f"Hexad API {_TITLES[audience]}",
        version="1",
        description="Money and quantities are decimal strings, times RFC 3339 with offset, days ISO 8601.",
        components=Components(security_schemes=dict(_SCHEMES.get(audience, _TOKEN))),
        security=None if audience == "auth" else [{name: [] for name in _SCHEMES.get(audience, _TOKEN)}],
        use_handler_docstrings=True,
    )
    app = Litestar([router], request_class=HttpRequest, openapi_config=config, logging_config=None)
    made: dict[str, Any] = msgspec.json.decode(_plain(msgspec.json.encode(app.openapi_schema.to_schema())))
    _describe_edge(made, app)
    close_inputs(made)
    return {**published(made)}


def _plain(encoded: bytes) -> bytes:
    """Names a page of notices `Page_Notice`: of a generic the framework names the module too, which may move."""
    return _GENERIC.sub(rb"\1_\2", encoded)


def _describe_edge(made: dict[str, Any], app: Litestar) -> None:
    """What every request passes through is said here once: headers asked for, headers given, problems."""
    (schema,), shapes = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update(shapes)
    components["responses"] = {
        "Problem": {
            "description": "A problem (RFC 9457)",
            "headers": {name: _told(told) for name, told in _GIVEN_WITH_PROBLEMS.items()},
            "content": {problem.MEDIA_TYPE: {"schema": schema}},
        },
        "Unchanged": {"description": "What If-None-Match names is still so"},
    }
    components["parameters"] = {name: _header(name, *told) for name, told in _ASKED.items()}
    components["headers"] = {name: _told(told) for name, told in _GIVEN.items()}
    for path, method, options in _operations(app):
        if operation := made.get("paths", {}).get(path, {}).get(method):
            _describe(operation, method, options)
            if each := options.get("each"):
                _describe_items(operation, components["schemas"], each)


def _describe_items(operation: dict[str, Any], shapes: dict[str, Any], each: type) -> None:
    """What stands in a list whose items the route reads one by one: the document knows their rules all the same."""
    (item,), more = msgspec.json.schema_components([each], ref_template="#/components/schemas/{name}")
    shapes.update(more)
    content = operation["requestBody"]["content"]["application/json"]
    whole = copy.deepcopy(shapes[content["schema"]["$ref"].rpartition("/")[2]])
    whole["properties"]["items"]["items"] = item
    content["schema"] = {**whole, "title": f"{each.__name__}Items"}


def _describe(operation: dict[str, Any], method: str, options: dict[str, Any]) -> None:
    asked = ["X-App-Version", "Accept-Language"]
    asked += ["If-None-Match"] if method == "get" else []
    asked += ["If-Match"] if options.get("versioned") else []
    asked += ["Idempotency-Key"] if options.get("once") else []
    operation.setdefault("parameters", []).extend({"$ref": f"#/components/parameters/{name}"} for name in asked)
    answers = operation["responses"]
    for answer in answers.values():
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _GIVEN}
    refusals = _REFUSALS + (_REFUSALS_OF_CHANGES if method != "get" else ())
    refusals += _REFUSALS_OF_VERSIONS if options.get("versioned") else ()
    refusals += _REFUSALS_OF_KEYS if options.get("once") else ()
    answers.update({str(status): {"$ref": "#/components/responses/Problem"} for status in sorted(refusals)})
    if method == "get":
        answers["304"] = {"$ref": "#/components/responses/Unchanged"}


def _operations(app: Litestar) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in {str(one).lower() for one in handler.http_methods} - {"options"}:
                yield route.path_format, method, handler.opt


def _header(name: str, description: str, required: bool) -> dict[str, Any]:
    told = {"name": name, "in": "header", "description": description, "required": required}
    return {**told, "schema": {"type": "string"}}


def _told(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def pages(audiences: Sequence[str], describe: Callable[[str], dict[str, Any]]) -> Router:
    """Routes under /docs for these audiences; a document is made when it is first asked for."""

    def known(audience: str) -> str:
        if audience not in audiences:
            raise NotFound
        return audience

    @cache
    def encoded(audience: str) -> bytes:
        return msgspec.json.format(msgspec.json.encode(describe(audience)))

    @get("/", guards=[public(_WHY)], media_type=MediaType.HTML)
    async def index() -> Response[str]:
        links = "".join(f'<li><a href="/docs/{one}">{one}: {_TITLES[one]}</a></li>' for one in audiences)
        return _html(f"<!doctype html><meta charset=utf-8><title>Hexad API</title><h1>Hexad API</h1><ul>{links}</ul>")

    @get("/{audience:str}", guards=[public(_WHY)], media_type=MediaType.HTML)
    async def page(audience: FromPath[str]) -> Response[str]:
        return _html(_PAGE.format(audience=known(audience), title=_TITLES[audience]))

    @get("/{audience:str}/page.js", guards=[public(_WHY)])
    async def script(audience: FromPath[str]) -> Response[str]:
        return Response(_SCRIPT.format(audience=known(audience)), media_type="text/javascript")

    @get("/{audience:str}/openapi.json", guards=[public(_WHY)])
    async def openapi(audience: FromPath[str]) -> Response[bytes]:
        return Response(encoded(known(audience)), media_type="application/vnd.oai.openapi+json")

    assets = create_static_files_router("/assets", directories=[ASSETS], guards=[public(_WHY)])
    return Router("/docs", route_handlers=[index, page, script, openapi, assets], include_in_schema=False)


def _html(text: str) -> Response[str]:
    return Response(text, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})
