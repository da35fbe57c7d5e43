"""The suitability questionnaire: asked, answered, and what it found."""

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.headers import language
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.product import questionnaire
from centers.product.questionnaire import AssessmentCursor
from mobile_contracts.base import Page
from mobile_contracts.product.product import AnsweredQuestionnaire, Assessment, Questionnaire


@get("/questionnaire", guards=[may("self.read")], summary="The suitability questionnaire")
async def read_questionnaire(request: HttpRequest, tx: Tx) -> Questionnaire:
    """The version that is asked now, in the language of Accept-Language."""
    return await questionnaire.current(tx, language(request.scope))


@get("/assessments", guards=[may("self.read")], summary="What one's questionnaires found")
async def list_assessments(tx: Tx, who: Who, page: PageQuery) -> Page[Assessment]:
    """The newest first; it is the one that counts."""
    before = page.after(AssessmentCursor) or AssessmentCursor()
    found = await questionnaire.list_own(tx, who, before, page.limit + 1)
    return page.of(found, lambda one: AssessmentCursor(one.at, one.source))


@post("/assessments", guards=[may("self.change")], opt={"once": True}, summary="Answer the questionnaire")
async def answer_questionnaire(tx: Tx, who: Who, data: JSONBody[AnsweredQuestionnaire]) -> Assessment:
    """Every question once, at most three times a day; what it finds counts at once.

    409 `questionnaire_changed` when another version is asked by now.
    """
    return await questionnaire.answer(tx, who, data)


investor = Router("", route_handlers=[read_questionnaire, list_assessments, answer_questionnaire], tags=["Suitability"])
