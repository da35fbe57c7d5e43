"""What a relay means by its words, where it gives no status of RFC 3463, or one that says nothing (5.0.0).

The words are those of the large mailbox providers here (163, 126, QQ, Sina, Aliyun, Sohu) and of the usual relays.
"""

import re

PERMANENT = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"))
"""The address reaches nobody and will not: mailbox or domain does not exist, is written wrongly, has moved, or takes
no mail at all."""

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SAYS_NOTHING = re.compile(r"[245]\.[0235]\.0")
"""Statuses whose detail is "other": of mailbox, system or protocol. Of the address (5.1.0) or a policy (5.7.0) it is
told apart from those that are no other.
"""

_MEANINGS = [
    ("5.7.1", r"spam|junk|black ?list|block ?list|blocked|reputation|rbl\b|dnsbl|policy|not authori[sz]ed"),
    ("5.7.1", r"access denied|banned|DT:SP|MI:S|MI:B|RP:|IP:|DMARC|DKIM|SPF|frequency|too many|rate limit"),
    ("5.7.1", r"垃圾邮件|拒收|黑名单|频率|发信过多"),
    ("5.2.2", r"mailbox (is )?full|over ?quota|quota exceeded|exceed\w* .{0,20}quota|out of storage"),
    ("5.2.2", r"insufficient storage|邮箱已满|容量已满|空间(不足|已满)"),
    ("5.2.1", r"disabled|suspended|inactive|deactivated|locked|frozen|停用|冻结|锁定|已注销"),
    ("5.1.10", r"null ?mx"),
    ("5.1.2", r"(host|domain)( name)? (is )?not (found|exist)|no such (host|domain)|unknown (host|domain)"),
    ("5.1.2", r"domain .{0,60}does(n'?t| not) exist|bad destination (host|system)|域名不存在"),
    ("5.1.6", r"(mailbox|user) has moved"),
    ("5.1.1", r"no such (user|mailbox|recipient|account|address|person)|no mailbox here|non-?existent"),
    ("5.1.1", r"(user|recipient|mailbox|account) (is )?unknown|unknown (user|recipient|mailbox|account|local)"),
    ("5.1.1", r"(user|mailbox|recipient|account|address) (was )?not found|mailbox not exist"),
    ("5.1.1", r"(user|mailbox|account|recipient|address) .{0,80}(does(n'?t| not) exist|not exist)"),
    ("5.1.1", r"invalid (recipient|mailbox|user)|doesn't have an? \S+ account"),
    ("5.1.1", r"(用户|收件人|收信人|邮箱|帐号|账号|地址)(不存在|未找到)|无此(用户|邮箱|收件人)"),
    ("5.1.1", r"找不到(用户|收件人|邮箱)"),
]
"""From status to words; the first that fits, so what blames us or a policy is never taken for a dead address."""

_MEANS = [(status, re.compile(words, re.IGNORECASE)) for status, words in _MEANINGS]


def status(given: str, words: str) -> str:
    """The given status when it says something, else one that stands in the words, else what they mean, else the given.

    Empty when nothing is known.
    """
    if given and not _SAYS_NOTHING.fullmatch(given):
        return given
    named = next((one for one in _STATUS.findall(words) if not _SAYS_NOTHING.fullmatch(one)), "")
    return named or next((one for one, means in _MEANS if means.search(words)), given)
