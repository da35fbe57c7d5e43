"""A subscription survives whatever dies on its way, a worker, the platform, its answers; there is one contract."""

import httpx
import msgspec

from hexad.simulators.ledger import Ledger
from kernel.events.outbox import emit
from kernel.store.database import Database
from mobile_contracts.event import AdvisoryDue
from tests.brokerage import Brokerage, small
from tests.faults.stand import Stand
from tests.products import Investor, stocked, told


async def ask_again(stand: Stand) -> None:
    """As if the wait were over and beat had come round."""
    async with stand.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        await tx.execute("update subscription set next_try_at = now() where next_try_at is not null")
        await emit(tx, AdvisoryDue())


async def reaches(stand: Stand, investor: Investor, subscription_id: str, state: str) -> None:
    """Waits until the subscription stands so, asking again as beat does."""

    async def there() -> bool:
        if (await investor.state(subscription_id))["state"] == state:
            return True
        await ask_again(stand)
        return False

    await stand.until(60, f"the subscription is {state}", there)


async def brokerage(stand: Stand) -> Brokerage:
    """People, customers and products in the stand's database."""
    database = await Database.open(stand.settings.database_url, stand.settings, size=2)
    house = await small(database, stand.settings)
    await stocked(house)
    return house


async def test_one_contract_whatever_dies_on_the_way(stand: Stand) -> None:
    stand.settings = msgspec.structs.replace(
        stand.settings, advisory_simulator_port=stand.free_port(), advisory_tries=1000
    )
    house = await brokerage(stand)
    stand.start("serve api", "relay", "work")
    base = f"http://127.0.0.1:{stand.settings.api_port}"
    async with httpx.AsyncClient(base_url=base, timeout=30) as api:

        async def up() -> bool:
            return (await stand.asks("api", "/health/ready"))[0] == 200

        await stand.until(60, "the API answers", up)
        investor = await Investor.at(api, house)
        kept = (await investor.subscribe()).json()

        async def noticed() -> bool:
            headers = await house.headers("1001")
            (line,) = (await api.get("/v1/staff/subscriptions", headers=headers)).json()["items"]
            return bool(line["state"] == "requested" and "does not answer" in line["problem"])

        await stand.until(60, "staff see that the platform is away", noticed)
        stand.start("simulate advisory")
        await ask_again(stand)
        stand.processes["work"].kill()
        stand.processes["work"].start()
        await reaches(stand, investor, kept["id"], "confirmed")

        stand.processes["simulate advisory"].kill()
        assert (await investor.post(f"/subscriptions/{kept['id']}/cancel")).status_code == 202
        await ask_again(stand)
        assert (await investor.state(kept["id"]))["state"] == "confirmed"
        stand.processes["simulate advisory"].start()
        await reaches(stand, investor, kept["id"], "cancelled")
    contracts = Ledger(stand.settings.var).read(0, 10).items
    assert [(str(one.subscription_id), one.contract.ended_on) for one in contracts] == [
        (kept["id"], contracts[0].contract.signed_on)
    ]

    async def all_told() -> bool:
        return len(await told(house, "investor", "88000001")) == 2

    await stand.until(60, "the investor is told of both", all_told)
    assert [title for title, _ in await told(house, "staff", "1001")] == ["客户签约", "客户取消签约"]
    await house.database.close()
