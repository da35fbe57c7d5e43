"""A template is made by one person, approved by another, and shown before it is sent."""

import httpx

from tests.api.conftest import SignIn

TEXTS = {"sms": "尊敬的{name}:{words}"}
NEW = {
    "name": "问候", "purpose": "service", "topic": "", "most": 3, "variables": [{"name": "words", "type": "text"}],
    "texts": {"zh": TEXTS, "en": TEXTS},
}  # fmt: skip
URL = "/v1/staff/templates"


async def test_a_version_is_made_shown_and_approved_by_somebody_else(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    maker = {**await sign_in("head_office_marketing", subject="1"), "Idempotency-Key": "make-0001"}
    made = await api.post(f"{URL}/hello/versions", json=NEW, headers=maker)
    assert (made.status_code, made.json()["number"]) == (201, 1)
    assert (await api.post(f"{URL}/hello/versions", json=NEW, headers=maker)).json() == made.json()
    shown = {"language": "zh", "values": {"words": "你好"}, "name": "王一"}
    preview = await api.post(f"{URL}/hello/versions/1/preview", json=shown, headers=maker)
    assert preview.json() == {"texts": {"sms": "尊敬的王一:你好", "email": None, "in_app": None}, "segments": 1}
    approve = f"{URL}/hello/versions/1/approve"
    own = await api.post(approve, headers={**maker, "Idempotency-Key": "approve-0001"})
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    other = {**await sign_in("compliance", subject="2"), "Idempotency-Key": "approve-0001"}
    assert (await api.post(approve, headers=other)).json()["approved_by"] == "staff:2"
    line = next(one for one in (await api.get(URL, headers=other)).json()["items"] if one["code"] == "hello")
    assert (line["newest"], line["approved"]) == (1, 1)
    assert (await api.get(f"{URL}/hello/versions/1", headers=other)).json()["texts"]["zh"]["sms"] == TEXTS["sms"]


async def test_what_could_not_be_rendered_is_refused_field_by_field(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in("head_office_marketing"), "Idempotency-Key": "make-0001", "Accept-Language": "zh"}
    wrong = {**NEW, "texts": {"zh": {"sms": "{nobody}"}, "en": TEXTS}}
    answer = await api.post(f"{URL}/hello/versions", json=wrong, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "texts.zh.sms", "message": "变量 {nobody} 未定义", "code": "invalid"}]
    missing = await api.post(f"{URL}/care/versions/1/preview", json={"language": "en", "values": {}}, headers=headers)
    assert missing.json()["errors"] == [{"field": "values.words", "message": "缺少此变量", "code": "invalid"}]
    assert (await api.get(f"{URL}/care/versions/9", headers=headers)).status_code == 404
