"""The OpenAPI document of each audience, and its page: Swagger UI from our own files, nothing from elsewhere."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath
from litestar.static_files import create_static_files_router

from api import problem
from api.edge.identify import public
from api.edge.request import HttpRequest
from kernel.errors import NotFound
from mobile_contracts.base import Problem

ASSETS = Path(str(metadata.distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
_TITLES = {"staff": "for brokers and staff", "investor": "for investors", "gateway": "for gateways and source systems",
           "auth": "for signing in"}  # fmt: skip
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
_WHY = "the description of the API holds no data"
_REFUSALS = (400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 426, 428, 429, 500, 503)


def document(audience: str, router: Router) -> dict[str, Any]:
    """The OpenAPI document of one audience's routes."""
    config = OpenAPIConfig(
        title=f"Hexad API {_TITLES[audience]}",
        version="1",
        description="Money and quantities are decimal strings, times RFC 3339 with offset, days ISO 8601.",
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        security=None if audience == "auth" else [{"token": []}],
        use_handler_docstrings=True,
    )
    app = Litestar([router], request_class=HttpRequest, openapi_config=config, logging_config=None)
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    _describe_problems(made)
    return made


def _describe_problems(made: dict[str, Any]) -> None:
    """Every operation may answer with a problem; what a handler need not say is said here once."""
    (schema,), shapes = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update(shapes)
    components["responses"] = {
        "Problem": {"description": "A problem (RFC 9457)", "content": {problem.MEDIA_TYPE: {"schema": schema}}}
    }
    reference = {"$ref": "#/components/responses/Problem"}
    for methods in made.get("paths", {}).values():
        for operation in methods.values():
            operation["responses"].update({str(status): reference for status in _REFUSALS})


def pages(documents: Mapping[str, dict[str, Any]]) -> Router:
    """Routes under /docs for the documents that this host serves."""
    encoded = {audience: msgspec.json.format(msgspec.json.encode(one)) for audience, one in documents.items()}

    def known(audience: str) -> str:
        if audience not in encoded:
            raise NotFound
        return audience

    @get("/", guards=[public(_WHY)], media_type=MediaType.HTML)
    async def index() -> Response[str]:
        links = "".join(f'<li><a href="/docs/{one}">{one}: {_TITLES[one]}</a></li>' for one in encoded)
        return _html(f"<!doctype html><meta charset=utf-8><title>Hexad API</title><h1>Hexad API</h1><ul>{links}</ul>")

    @get("/{audience:str}", guards=[public(_WHY)], media_type=MediaType.HTML)
    async def page(audience: FromPath[str]) -> Response[str]:
        return _html(_PAGE.format(audience=known(audience), title=_TITLES[audience]))

    @get("/{audience:str}/page.js", guards=[public(_WHY)])
    async def script(audience: FromPath[str]) -> Response[str]:
        return Response(_SCRIPT.format(audience=known(audience)), media_type="text/javascript")

    @get("/{audience:str}/openapi.json", guards=[public(_WHY)])
    async def openapi(audience: FromPath[str]) -> Response[bytes]:
        return Response(encoded[known(audience)], media_type="application/vnd.oai.openapi+json")

    assets = create_static_files_router("/assets", directories=[ASSETS], guards=[public(_WHY)])
    return Router("/docs", route_handlers=[index, page, script, openapi, assets], include_in_schema=False)


def _html(text: str) -> Response[str]:
    return Response(text, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})
