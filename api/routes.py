"""Every route of the house by audience."""

from typing import Any

from litestar import Router
from litestar.di import Provide

from api import calendar, documents, health, job, key
from api.edge.identify import provide_who
from api.edge.transaction import provide_tx
from api.page import provide_page

DEPENDENCIES = {
    "tx": Provide(provide_tx),
    "who": Provide(provide_who, sync_to_thread=False),
    "page": Provide(provide_page, sync_to_thread=False),
}
"""What a route may ask for by name; `scope` is a word of the framework, so the scope is called `who` there."""

AUDIENCES = ("staff", "investor", "gateway")


def audience_router(audience: str) -> Router:
    """The routes under `/v1/<audience>`."""
    nouns: dict[str, list[Router]] = {
        "staff": [calendar.staff, job.staff],
        "investor": [calendar.investor],
        "gateway": [],
        "auth": [key.auth],
    }
    return Router(
        f"/v1/{audience}", route_handlers=nouns[audience], dependencies=DEPENDENCIES, opt={"audience": audience}
    )


def documents_of(audiences: tuple[str, ...] = AUDIENCES) -> dict[str, dict[str, Any]]:
    """The OpenAPI documents of these audiences and of signing in."""
    return {one: documents.document(one, audience_router(one)) for one in (*audiences, "auth")}


def routers(audiences: tuple[str, ...]) -> list[Router]:
    """Everything that a host serves for these audiences."""
    served = [audience_router(one) for one in (*audiences, "auth")]
    return [*served, health.health, documents.pages(documents_of(audiences))]
