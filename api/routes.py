"""Every route of the house by audience."""

from functools import cache
from typing import Any

from litestar import Router
from litestar.di import Provide

from api import documents, health
from api.customer import customer
from api.edge.identify import provide_who
from api.edge.page import provide_page
from api.edge.transaction import provide_tx
from api.employee import person, role, unit
from api.identity import device, key, session
from api.identity import routes as signing_in
from api.messaging import broadcast, consent, lease, notice, receipt, suppression, template, unsubscribe
from api.operations import audit, calendar, job
from api.overview import me, sync
from api.product import product, product_view, questionnaire, subscription

DEPENDENCIES = {
    "tx": Provide(provide_tx),
    "who": Provide(provide_who, sync_to_thread=False),
    "page": Provide(provide_page, sync_to_thread=False),
}
"""What a route may ask for by name; `scope` is a word of the framework, so the scope is called `who` there."""

AUDIENCES = ("staff", "investor", "gateway")


@cache
def audience_router(audience: str) -> Router:
    """The routes under `/v1/<audience>`; made once, since an application takes a copy."""
    nouns: dict[str, list[Router]] = {
        "staff": [
            customer.staff,
            me.staff,
            sync.staff,
            device.staff,
            notice.staff,
            consent.staff,
            suppression.staff,
            template.staff,
            broadcast.staff,
            session.staff,
            calendar.staff,
            unit.staff,
            person.staff,
            role.staff,
            audit.staff,
            job.staff,
            product.staff,
            product_view.staff,
            subscription.staff,
            *signing_in.STAFF,
        ],
        "investor": [
            customer.investor,
            sync.investor,
            device.investor,
            notice.investor,
            consent.investor,
            session.investor,
            calendar.investor,
            product.investor,
            product_view.investor,
            questionnaire.investor,
            subscription.investor,
            *signing_in.INVESTOR,
        ],
        "gateway": [receipt.gateway, lease.gateway],
        "auth": [key.auth, *signing_in.AUTH, unsubscribe.auth],
    }
    return Router(
        f"/v1/{audience}", route_handlers=nouns[audience], dependencies=DEPENDENCIES, opt={"audience": audience}
    )


def document_of(audience: str) -> dict[str, Any]:
    """The OpenAPI document of one audience."""
    return documents.document(audience, audience_router(audience))


def documents_of() -> dict[str, dict[str, Any]]:
    """The OpenAPI documents of every audience, and of signing in."""
    return {one: document_of(one) for one in (*AUDIENCES, "auth")}


def routers(audiences: tuple[str, ...]) -> list[Router]:
    """Everything that a host serves for these audiences."""
    served = [audience_router(one) for one in (*audiences, "auth")]
    return [*served, health.health, documents.pages((*audiences, "auth"), document_of)]
