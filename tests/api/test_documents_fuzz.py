"""Whatever fits the OpenAPI documents, or nearly does, is answered as they say: no 500, no undocumented status."""

import asyncio
import itertools
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.routes import documents_of
from hexad.embedded import Postgres
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.base import REASON
from mobile_contracts.published import as_published
from tests import clusters, ports
from tests.api.signing import SECRETS
from tests.api.signing import headers as signed_headers
from tests.api.test_run import serving
from tests.brokerage import Brokerage, small

pytestmark = pytest.mark.timeout(600)  # a test is a whole document
DOCUMENTS = documents_of()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CONTROLS = r"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
UNSEEN = (
    r" \u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028\u2029\u202f\u205f-\u2065"
)
UNSEEN += r"\u206a-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
UNSEEN += r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
PLAINER = rf"^(?:[{UNSEEN}]*[^{UNSEEN}{CONTROLS}]){{4}}[^{CONTROLS}]*\Z"
"""The pattern of a reason without looking ahead: texts for that are found by trying, which took a minute."""

EXAMPLES = int(os.environ.get("HEXAD_FUZZ_EXAMPLES", "5"))
"""Requests per operation; the long form asks for hundreds."""

_SECONDS = itertools.count()


class Served(msgspec.Struct, frozen=True):
    """A running API, and the headers of somebody who may do nearly everything, by audience."""

    url: str
    headers: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def served(postgres: Postgres, base_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API in a process of its own on a brokerage of its own."""
    with clusters.database(postgres) as name:
        settings = msgspec.structs.replace(
            base_settings, var=tmp_path_factory.mktemp("fuzz"), database_url=postgres.url("hexad_app", name),
            api_port=ports.free(), owner_url=postgres.url("hexad_owner", name), rate_per_address=1e6,
            rate_per_principal=1e6, reveal_quota=10_000, sign_in_attempts=1_000_000, gateway_secrets=SECRETS,
        )  # fmt: skip
        headers = asyncio.run(people(settings))
        with serving(settings) as (_, url):
            yield Served(url, headers)


async def people(settings: Settings) -> dict[str, dict[str, str]]:
    """Somebody with many roles, and an investor."""
    database = await Database.open(settings.database_url, settings, size=2)
    house: Brokerage = await small(database, settings)
    await house.employee("1099", "b1", "administrator", "branch_manager", "compliance", "head_office_marketing")
    await house.unit("team", "spare", "b2")
    headers = {
        "staff": await house.headers("1099"),
        "investor": await house.headers("88000001", "investor"),
        "gateway": {},
        "auth": {},
    }
    await database.close()
    return headers


class Signing(requests.auth.AuthBase):
    """Signs a request as it leaves; each is another one, as a gateway's would be."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        for name, value in signed_headers(body, at=time.time() + next(_SECONDS) % 200).items():
            if name != "Content-Type":
                request.headers[name] = value
        return request


@pytest.fixture(scope="module", name="document")
def document_fixture(request: pytest.FixtureRequest) -> Any:
    """The document of an audience; read where it is tried, as making requests of one takes its time."""
    written = msgspec.json.encode(DOCUMENTS[request.param])
    reason, plainer = (msgspec.json.encode(as_published(pattern)) for pattern in (REASON, PLAINER))
    return schemathesis.openapi.from_dict(msgspec.json.decode(written.replace(reason, plainer)))


def test_the_plainer_pattern_of_a_reason_is_the_same() -> None:
    one, other = re.compile(REASON), re.compile(PLAINER)
    for code in (*range(0xD800), *range(0xE000, sys.maxunicode + 1)):
        for text in (f"{chr(code)}abc", f"ab{chr(code)}cd", f"abcd{chr(code)}", chr(code) * 4):
            assert bool(one.search(text)) == bool(other.search(text)), hex(code)


def _checked(audience: str) -> Any:
    """The test of one document, an operation after the other."""
    schema = schemathesis.pytest.from_fixture("document")

    @pytest.mark.parametrize("document", [audience], indirect=True)
    @schema.parametrize()
    @hypothesis(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    def test(case: Any, served: Served) -> None:
        given = {**served.headers[audience], "If-Match": "*", "Idempotency-Key": "fuzz-0001"}
        signing = {"auth": Signing()} if audience == "gateway" else {}
        case.call_and_validate(base_url=served.url, headers=given, checks=CHECKS, timeout=30, **signing)

    return test


test_staff = _checked("staff")
test_investor = _checked("investor")
test_auth = _checked("auth")
test_gateway = _checked("gateway")
