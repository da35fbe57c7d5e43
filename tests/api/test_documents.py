"""Each audience has its document and its page, from our own files."""

import json
import re

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Inbound, Receipt
from tests.api.conftest import Open


@pytest.mark.parametrize("audience", ["staff", "investor", "gateway", "auth"])
async def test_the_page_and_all_that_it_loads_are_here(api: httpx.AsyncClient, audience: str) -> None:
    page = await api.get(f"/docs/{audience}")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert link.startswith("/docs/")
        assert (await api.get(link)).status_code == 200
    assert f"/docs/{audience}/openapi.json" in (await api.get(f"/docs/{audience}/page.js")).text


async def test_the_documents_hold_only_their_audience(api: httpx.AsyncClient) -> None:
    for audience in ("staff", "investor", "gateway", "auth"):
        document = (await api.get(f"/docs/{audience}/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        assert all(path.startswith(f"/v1/{audience}/") for path in document["paths"])


async def test_a_shape_is_named_by_what_it_is_and_not_by_where_it_lies(api: httpx.AsyncClient) -> None:
    shapes: dict[str, set[str]] = {}
    for audience in ("staff", "investor", "gateway", "auth"):
        document = (await api.get(f"/docs/{audience}/openapi.json")).json()
        shapes[audience] = document["components"]["schemas"].keys()
        named = {one.rpartition("/")[2] for one in re.findall(r'"#/components/schemas/[^"]+', json.dumps(document))}
        assert named <= shapes[audience]
        assert not {one for one in shapes[audience] if "." in one or one.endswith("_")}
    assert {"Page_Notice", "Page_TradingDay"} <= shapes["staff"] & shapes["investor"]


async def test_an_operation_tells_its_problems_and_needs_a_token(api: httpx.AsyncClient) -> None:
    document = (await api.get("/docs/staff/openapi.json")).json()
    operation = document["paths"]["/v1/staff/calendar/{day}"]["put"]
    assert {"200", "400", "401", "412", "428", "503"} <= operation["responses"].keys()
    assert not {"405", "422"} & operation["responses"].keys()
    read = document["paths"]["/v1/staff/calendar/{day}"]["get"]["responses"].keys()
    assert "404" in read
    assert not {"408", "409", "412", "413", "415", "422", "428"} & read
    assert document["security"] == [{"token": []}]
    told = document["components"]["responses"]["Problem"]
    assert told["content"].keys() == {"application/problem+json"}
    assert told["headers"].keys() == {"Retry-After", "WWW-Authenticate"}


async def test_a_host_serves_only_its_audiences(open_api: Open, own_settings: Settings) -> None:
    async with open_api(msgspec.structs.replace(own_settings, audiences="investor")) as client:
        assert (await client.get("/v1/staff/jobs")).status_code == 404
        assert (await client.get("/docs/staff")).status_code == 404
        assert (await client.get("/v1/investor/calendar")).status_code == 401
        assert "investor" in (await client.get("/docs")).text


async def test_the_headers_that_a_route_asks_for_are_told(api: httpx.AsyncClient) -> None:
    document = (await api.get("/docs/staff/openapi.json")).json()

    def asked(path: str, method: str) -> set[str]:
        parameters = [one.get("$ref", "").split("/")[-1] for one in document["paths"][path][method]["parameters"]]
        return {name for name in parameters if name and document["components"]["parameters"][name]["required"]}

    assert asked("/v1/staff/calendar/{day}", "put") == {"If-Match"}
    assert asked("/v1/staff/calendar/{day}", "get") == set()
    assert asked("/v1/staff/jobs/{event_id}/{handler}/retry", "post") == {"Idempotency-Key"}
    assert "304" in document["paths"]["/v1/staff/jobs"]["get"]["responses"]


async def test_each_field_of_a_receipt_and_a_reply_has_its_type_bounds_and_example(api: httpx.AsyncClient) -> None:
    document = (await api.get("/docs/gateway/openapi.json")).json()
    for path, name, type_ in (("receipts", "Receipt", Receipt), ("inbound", "Inbound", Inbound)):
        content = document["paths"][f"/v1/gateway/{path}"]["post"]["requestBody"]["content"]["application/json"]
        items = content["schema"]["properties"]["items"]
        assert items["maxItems"] == 1000
        assert items["items"] == {"$ref": f"#/components/schemas/{name}"}
        shape = document["components"]["schemas"][name]
        assert shape["additionalProperties"] is False
        fields = shape["properties"]
        bare = set(shape["required"]) - {"schema"}
        assert bare == set(fields) - {"schema"}
        for field in bare:
            told = fields[field]
            assert told.get("description"), field
            assert {"format", "enum", "maxLength", "pattern"} & told.keys(), f"{field} has no bound"
        example = {"schema": fields["schema"]["enum"][0], **{field: fields[field]["examples"][0] for field in bare}}
        assert msgspec.convert(example, type_)
