"""Everything that can go wrong and that somebody is told about; only `api/edge/errors.py` knows HTTP."""

from collections.abc import Sequence

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One field of the input that was refused: where it is, and why, in both languages and as a code."""

    field: str
    message: str
    message_zh: str
    code: str = "invalid"


class HexadError(Exception):
    """The request failed."""

    # The first line of a subclass's docstring is its English message, `zh` its Chinese one; `code` never changes.
    code = "error"
    zh = "请求失败"

    def __init__(self, detail: str = "", detail_zh: str = "", errors: Sequence[FieldError] = ()) -> None:
        self.detail, self.detail_zh, self.errors = detail, detail_zh or detail, tuple(errors)
        super().__init__(f"{self.title} {detail}".strip())

    @property
    def title(self) -> str:
        """The message of the class in English, one sentence."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class Misconfigured(HexadError):
    """A setting is missing or wrong."""

    code, zh = "misconfigured", "配置缺失或有误"


class InvalidInput(HexadError):
    """The input is not valid."""

    code, zh = "invalid_input", "输入无效"


class NotFound(HexadError):
    """There is nothing here, or it is not yours to see."""

    code, zh = "not_found", "不存在或无权查看"


class NotSignedIn(HexadError):
    """Sign in first: the access token is missing or not valid here."""

    code, zh = "not_signed_in", "请先登录:访问令牌缺失或不适用"


class TokenExpired(NotSignedIn):
    """This token has expired: renew the access token with the refresh token, or sign in again."""

    code, zh = "token_expired", "令牌已过期,请用刷新令牌换取新令牌,或重新登录"


class TokenReused(NotSignedIn):
    """This refresh token was used before, or on another device: its session has ended, sign in again."""

    code, zh = "token_reused", "刷新令牌已被使用过或用于其他设备,会话已终止,请重新登录"


class SessionOver(NotSignedIn):
    """This session has ended: sign in again."""

    code, zh = "session_ended", "会话已结束,请重新登录"


class WrongCredentials(HexadError):
    """These sign-in details are not right, or not in force just now."""

    code, zh = "wrong_credentials", "登录信息不正确,或暂时不可用"


class SignatureRefused(HexadError):
    """The signature is missing, or not that of a gateway known here for this time and body."""

    code, zh = "signature_refused", "签名缺失,或与已登记网关、时间、请求体不符"


class ClockSkewed(HexadError):
    """The time of the request is more than 5 minutes from ours: set the clock and sign again."""

    code, zh = "clock_skewed", "请求时间与服务器相差超过 5 分钟,请校准时钟后重新签名"


class SignatureUsed(HexadError):
    """This signature was used before: each is good once."""

    code, zh = "signature_used", "该签名已使用过,每个签名仅可使用一次"


class DeviceRevoked(HexadError):
    """This device was revoked: its owner, from another one, or an administrator can allow it again."""

    code, zh = "device_revoked", "该设备已被移除,须由本人在其他设备上或由管理员重新允许"


class NotAllowed(HexadError):
    """You do not have the permission that this needs."""

    code, zh = "not_allowed", "没有所需的权限"


class ConversationClosed(HexadError):
    """This conversation is closed: open another one."""

    code, zh = "conversation_closed", "会话已结束,请发起新的会话"


class NotEmpty(HexadError):
    """Somebody or something still stands in it: move them away first."""

    code, zh = "not_empty", "其中仍有员工、客户或下级机构,请先移出"


class VersionConflict(HexadError):
    """Somebody else changed this meanwhile: read it again, then repeat your change."""

    code, zh = "version_conflict", "数据已被他人修改,请重新读取后再提交"


class VersionRequired(HexadError):
    """This change needs the header If-Match with the ETag that you read."""

    code, zh = "version_required", "此修改须携带 If-Match 头(读取时得到的 ETag)"


class KeyRequired(HexadError):
    """This request needs the header Idempotency-Key, so that repeating it is safe."""

    code, zh = "key_required", "此请求须携带 Idempotency-Key 头,以便安全重试"


class KeyReused(HexadError):
    """This Idempotency-Key was used with another request."""

    code, zh = "key_reused", "此 Idempotency-Key 已用于另一请求"


class StillRunning(HexadError):
    """The first request with this Idempotency-Key is still running: try again shortly."""

    code, zh = "still_running", "使用此 Idempotency-Key 的首个请求仍在处理,请稍后重试"


class CursorInvalid(HexadError):
    """The cursor is not valid here: start again without one."""

    code, zh = "cursor_invalid", "游标无效,请从头开始"


class RateLimited(HexadError):
    """Too many requests: wait as Retry-After says."""

    code, zh = "rate_limited", "请求过于频繁,请按 Retry-After 等待"

    def __init__(self, wait: float = 1.0) -> None:
        """`wait` is in seconds."""
        self.wait = wait
        super().__init__()


class QuotaUsedUp(HexadError):
    """You have used up what is allowed in a day."""

    code, zh = "quota_used_up", "今日额度已用完"

    def __init__(self, detail: str = "", detail_zh: str = "", wait: float = 1.0) -> None:
        """`wait` is the time until the quota is whole again, in seconds."""
        self.wait = wait
        super().__init__(detail, detail_zh)


class AppTooOld(HexadError):
    """This version of the app is no longer served: update it."""

    code, zh = "app_too_old", "应用版本过低,请更新"


class TooSlow(HexadError):
    """The request did not arrive in time: send it again."""

    code, zh = "too_slow", "请求传输超时,请重新发送"


class TooLarge(HexadError):
    """The body is larger than allowed."""

    code, zh = "too_large", "请求体超过大小限制"


class Overloaded(HexadError):
    """The service is at its limit just now: try again shortly."""

    code, zh = "overloaded", "系统繁忙,请稍后重试"


class Unavailable(HexadError):
    """A part that this needs is away just now: try again shortly."""

    code, zh = "unavailable", "服务暂不可用,请稍后重试"


class ProductWithdrawn(HexadError):
    """This product is no longer offered."""

    code, zh = "product_withdrawn", "该产品已下架"


class PriceChanged(HexadError):
    """The price is another by now: read the product again, and confirm anew."""

    code, zh = "price_changed", "产品价格已变更,请重新查看并确认"


class AgreementChanged(HexadError):
    """The agreement is another by now: read it again, and confirm anew."""

    code, zh = "agreement_changed", "协议版本已更新,请重新阅读并确认"


class AlreadySubscribed(HexadError):
    """You have subscribed to this product already, or asked to."""

    code, zh = "already_subscribed", "您已签约该产品,或签约正在处理"


class CodeRefused(HexadError):
    """This code is not right here, or no longer: ask for a new one."""

    code, zh = "code_refused", "验证码不正确或已失效,请重新获取"


class NoMobile(HexadError):
    """No mobile number is known to which a code could be sent: ask your branch."""

    code, zh = "no_mobile", "未登记可接收验证码的手机号,请联系营业部"


class QuestionnaireMissing(HexadError):
    """Answer the suitability questionnaire first."""

    code, zh = "no_questionnaire", "请先完成风险承受能力问卷"


class QuestionnaireExpired(HexadError):
    """Your suitability questionnaire has expired: answer it again."""

    code, zh = "questionnaire_expired", "您的风险承受能力问卷已过期,请重新作答"


class QuestionnaireChanged(HexadError):
    """The questionnaire is another by now: read it again, and answer that one."""

    code, zh = "questionnaire_changed", "问卷已更新,请重新获取并作答"


class RiskTooHigh(HexadError):
    """This product is riskier than what suits you."""

    code, zh = "risk_too_high", "该产品的风险等级高于您的风险承受能力"


class CustomerNotActive(HexadError):
    """Your customer account is frozen or closed: ask your branch."""

    code, zh = "customer_not_active", "您的客户状态异常(冻结或销户),请联系营业部"


class WrongState(HexadError):
    """This cannot be done in the state that it is in."""

    code, zh = "wrong_state", "当前状态下不能执行此操作"


class NotCancellable(HexadError):
    """This subscription has ended already."""

    code, zh = "not_cancellable", "该签约已结束,无法取消"


class WithdrawnByCustomer(HexadError):
    """The customer withdrew this themselves: they alone can allow it again, in their terminal."""

    code, zh = "withdrawn_by_customer", "客户已自行拒绝,须由客户本人在客户端重新同意"


class NotLicensed(HexadError):
    """Only who has the licence that this takes, in force today, may do this."""

    code, zh = "not_licensed", "仅持有相应有效执业资格的人员可执行此操作"


class BrokenReference(RuntimeError):
    """Staged rows name something that is not there: the loader is wrong, and nothing may be written."""


class FieldSealed(HexadError):
    """An encrypted field cannot be read: its key is unknown or its content was altered."""

    code, zh = "field_sealed", "加密字段无法读取"
