"""One-time codes leave by SMS: rendered, and handed to the gateway's queue under the code's own id."""

from identity.one_time_code import Waiting
from kernel.queues import Queue
from kernel.queues.client import Message, Queues, written
from kernel.security.crypto import Fields
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Sms
from notifications.channel.sms import segments, signed

QUEUE = Queue("outbound.sms.transactional.main")
_TEXTS = {
    ("sign_in", "zh"): "您的登录验证码为{code},{minutes}分钟内有效。如非本人操作请忽略,切勿告知他人。",
    ("sign_in", "en"): "{code} is your sign-in code, good for {minutes} minutes. Give it to nobody, not even to us.",
    (
        "subscribe",
        "zh",
    ): "您正在签约产品{about},验证码为{code},{minutes}分钟内有效。如非本人操作请联系我们,切勿告知他人。",
    ("subscribe", "en"): "{code} is your code to subscribe to {about}, good for {minutes} minutes. Give it to nobody.",
    ("password", "zh"): "您正在设置登录密码,验证码为{code},{minutes}分钟内有效。如非本人操作请忽略,切勿告知他人。",
    ("password", "en"): "{code} is your code to set a password, good for {minutes} minutes. Give it to nobody.",
}


async def hand_over(queues: Queues, settings: Settings, waiting: Waiting) -> None:
    """Gives the code to the gateway's queue, a repeat as the same message under the same id.

    Raises `Unavailable` when the broker does not answer, `InvalidInput` when no gateway could read it.
    """
    sms = rendered(waiting, Fields(settings), settings)
    await queues.publish(QUEUE, [Message(written(sms), id=str(sms.id))])


def rendered(waiting: Waiting, fields: Fields, settings: Settings) -> Sms:
    """The message; it expires with its code."""
    code, mobile = waiting.opened(fields)
    minutes = round((waiting.expires_at - waiting.created_at).total_seconds() / 60)
    words = _TEXTS[waiting.purpose, waiting.language].format(code=code, minutes=minutes, about=waiting.about)
    text = signed(settings, words, waiting.language)
    return Sms(
        id=waiting.id,
        purpose="transactional",
        to=mobile,
        sender=settings.sms_sender,
        text=text,
        segments=segments(text),
        created_at=waiting.created_at,
        expires_at=waiting.expires_at,
        attempt=1,
    )
