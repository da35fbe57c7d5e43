"""An adviser publishes a view: it reaches the subscribers' terminals and phones, and nobody else."""

from uuid import uuid4

from hexad.tour.promise import promised, until
from hexad.tour.stage import Stage


async def publishes(stage: Stage) -> None:
    """An adviser publishes a view, which arrives on terminal and phone."""
    cast, mark = stage.cast, f"V{uuid4().hex[:8]}"
    terminal, phone = stage.subscribers
    adviser = await stage.staff(cast.adviser.subject, cast.adviser.password)
    async with terminal.line() as line:
        written = {"title": f"市场观点{mark}", "body": "震荡市中宜均衡配置,控制仓位。"}
        view = await adviser.post(f"/products/{stage.product_code}/views", written)
        stage.tell(f"adviser {cast.adviser.subject} signs in and publishes a view of {stage.product_code}")
        if stage.night:
            stage.tell(f"it waits for the morning: nobody is written to outside {stage.settings.service_hours}")
        else:
            await line.get("notice", title=written["title"])
            stage.tell(f"the terminal of {terminal.subject} shows the notice at once")
            mask = (await phone.get("/me"))["mobile"]
            await stage.letters.expect("sms", mask, mark)
            stage.tell(f"the phone of {phone.subject} ({mask}) has the SMS")
    for reader in (terminal, phone):
        read = await reader.get(f"/views/{view['id']}")
        promised(read["title"] == written["title"], f"subscriber {reader.subject} reads another view")
    await stage.chatting.refused(404, "not_found", "GET", f"/views/{view['id']}")
    listed = (await stage.chatting.get("/views"))["items"]
    promised(not listed, f"{stage.chatting.subject}, who has no contract, is shown {len(listed)} views")
    stage.tell(f"subscribers read it; {stage.chatting.subject}, who has not subscribed, gets 404")
    await _counted(stage, view["id"])


async def _counted(stage: Stage, view_id: str) -> None:
    async def look() -> int | None:
        page = await stage.broker.get(f"/products/{stage.product_code}/views", limit=100)
        readers: int | None = next(one["readers"] for one in page["items"] if one["id"] == view_id)
        return readers

    readers = await until("the readers of the view are counted", look)
    promised(readers >= len(stage.subscribers), f"the view went to {readers} readers")
    stage.tell(f"it went to {readers} subscribers")
