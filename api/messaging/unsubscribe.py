"""No more messages, by the link in an e-mail: one click of a mail program, or a page that asks a person first.

The page changes nothing by being looked at, since scanners of mail follow links.
"""

from html import escape
from typing import Annotated

from litestar import MediaType, Response, Router, get, post
from litestar.params import QueryParameter

from api.edge.headers import language, request_id
from api.edge.identify import public
from api.edge.request import HttpRequest
from kernel.errors import NotFound
from kernel.security.scope import apply_system
from notifications.consent import unsubscribe
from notifications.consent.unsubscribe import Wish

_WHY = "whoever holds the message may end such messages (RFC 8058)"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ font: 17px/1.6 system-ui; max-width: 30rem; margin: 3rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .5rem 1.5rem }}</style></head><body><h1>{title}</h1><p>{says}</p>{form}</body></html>
"""
_FORM = '<form method="post"><button>{button}</button></form>'
_SAYS = {
    "en": {
        "title": "E-mail messages",
        "service": "reminders and care",
        "marketing": "offers and news",
        "ask": "Do you want no more e-mails with {what}?",
        "button": "No more of these",
        "done": "You will get no more e-mails with {what}. What was sent already may still arrive.",
        "gone": "This link is not valid, or not any more. You can change what you are sent in the app.",
    },
    "zh": {
        "title": "邮件订阅",
        "service": "提醒与关怀",
        "marketing": "营销与资讯",
        "ask": "确定不再接收{what}类邮件吗?",
        "button": "确认退订",
        "done": "您已退订{what}类邮件。此前已发出的邮件仍可能送达。",
        "gone": "链接无效或已过期。您可以在客户端中调整消息设置。",
    },
}

Token = Annotated[str, QueryParameter(name="token", max_length=1000, description="as the link bears it")]


@get("/unsubscribe", guards=[public(_WHY)], media_type=MediaType.HTML, include_in_schema=False)
async def ask(request: HttpRequest, token: Token) -> Response[str]:
    """A page that asks whether it is meant."""
    try:
        wish = unsubscribe.wish(request.app.state.door.fields, token)
    except NotFound:
        return _page(request, "gone", status=404)
    return _page(request, "ask", wish, form=True)


@post("/unsubscribe", guards=[public(_WHY)], status_code=200, media_type=MediaType.HTML, summary="Get no more of these")
async def end(request: HttpRequest, token: Token) -> Response[str]:
    """Ends e-mails of the link's purpose at once, until the customer allows them again. The body is not read."""
    wish = unsubscribe.wish(request.app.state.door.fields, token)
    async with request.app.state.database.transaction() as tx:
        await apply_system(tx, "unsubscribe", request_id(request.scope), kind="company")
        await unsubscribe.end(tx, wish)
    return _page(request, "done", wish)


def _page(
    request: HttpRequest, said: str, wish: Wish | None = None, *, form: bool = False, status: int = 200
) -> Response[str]:
    spoken = language(request.scope)
    words = _SAYS[spoken]
    what = words["marketing" if wish is not None and wish.purpose == "marketing" else "service"]
    page = _PAGE.format(
        language=spoken,
        title=words["title"],
        says=escape(words[said].format(what=what)),
        form=_FORM.format(button=words["button"]) if form else "",
    )
    headers = {"Content-Security-Policy": _POLICY, "Content-Language": spoken, "Cache-Control": "no-store"}
    return Response(page, status_code=status, media_type=MediaType.HTML, headers=headers)


auth = Router("", route_handlers=[ask, end], tags=["Messages"], response_headers={"Cache-Control": "no-store"})
