"""What holds tokens or codes is kept by no cache, and each refusal says how to come back."""

from tests.api.conftest import SignIn
from tests.api.identity.conftest import PASSWORD, People, Phone, bearer


async def test_no_answer_with_a_secret_is_cached(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.customer(password=PASSWORD)
    await people.employ()
    signed_in = await phone.investor(password=PASSWORD)
    boss = await sign_in("administrator", subject="boss")
    change = {"old_password": PASSWORD, "password": "a whole new password"}
    answers = [
        signed_in,
        await phone.refresh(signed_in.json()["refresh_token"]),
        await phone.ask(),
        await phone.investor(password="wrong password"),
        await phone.api.put("/v1/investor/password", json=change, headers=bearer(signed_in)),
        await phone.api.post("/v1/staff/people/10086/activation", headers=boss),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 202, 401, 204, 200]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert answers[3].headers["www-authenticate"] == "Bearer"
