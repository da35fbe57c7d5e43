"""Templates of messages: made by one person, approved by another, shown as they would be sent."""

from typing import Annotated

from litestar import Router, post
from litestar.params import JSONBody, PathParameter

from api.edge.dependencies import Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from mobile_contracts.base import Page
from mobile_contracts.messaging.template import Preview, PreviewWanted, TemplateLine, TemplateNew, TemplateVersion
from notifications.channel.sms import segments
from notifications.template import rendering, template

Code = Annotated[str, PathParameter(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*\Z")]
Number = Annotated[int, PathParameter(ge=1, le=1_000_000, description="number of the version")]


@get("/templates", guards=[may("template.read")], summary="Templates")
async def list_templates(tx: Tx) -> Page[TemplateLine]:
    """All of them, with the newest version and the one that is sent."""
    return Page(await template.list_all(tx))


@get("/templates/{code:str}/versions/{number:int}", guards=[may("template.read")], summary="One version of a template")
async def read_version(tx: Tx, code: Code, number: Number) -> TemplateVersion:
    """Its variables and texts, who made it and who approved it."""
    return await template.find_version(tx, code, number)


@post(
    "/templates/{code:str}/versions",
    guards=[may("template.change")],
    opt={"once": True},
    summary="Make a version of a template",
)
async def add_version(tx: Tx, who: Who, code: Code, data: JSONBody[TemplateNew]) -> TemplateVersion:
    """The first one makes the template; nothing is sent before somebody else has approved it."""
    await template.check_new_version(tx, code, data)
    return await template.do_add_version(tx, code, data, who.principal.name)


@post(
    "/templates/{code:str}/versions/{number:int}/approve",
    guards=[may("template.approve")],
    opt={"once": True},
    status_code=200,
    summary="Approve a version",
)
async def approve_version(tx: Tx, who: Who, code: Code, number: Number) -> TemplateVersion:
    """By somebody else than its maker; it is sent from now on."""
    return await template.approve(tx, code, number, who.principal.name)


@post(
    "/templates/{code:str}/versions/{number:int}/preview",
    guards=[may("template.read")],
    status_code=200,
    summary="Show what would be sent",
)
async def preview(tx: Tx, code: Code, number: Number, data: JSONBody[PreviewWanted]) -> Preview:
    """The texts for one recipient, without the firm's signature; sends nothing."""
    version = await template.find_version(tx, code, number)
    texts = getattr(version.texts, data.language)
    shown = rendering.render(texts, version.variables, data.values, data.name, data.language)
    return Preview(shown, segments(shown.sms) if shown.sms else None)


staff = Router(
    "", route_handlers=[list_templates, read_version, add_version, approve_version, preview], tags=["Templates"]
)
