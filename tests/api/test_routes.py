"""Routes stand under their audience, and what a host serves is what it was told to serve."""

from api.routes import AUDIENCES, audience_router, documents_of, routers


def test_every_audience_has_a_document() -> None:
    assert set(documents_of()) == {*AUDIENCES, "auth"}


def test_an_audience_is_told_to_the_guards() -> None:
    assert all((audience_router(one).opt or {})["audience"] == one for one in AUDIENCES)


def test_a_host_serves_signing_in_and_health_besides_its_audiences() -> None:
    assert [router.path for router in routers(("investor",))] == ["/v1/investor", "/v1/auth", "/", "/docs"]
