"""A word counts however keyboards and carriers write it, and nothing else does."""

import pytest

from notifications.consent.opt_out import meaning


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("T", "opt_out"), (" t\n", "opt_out"), ("td", "opt_out"), ("退订", "opt_out"), ("TDS", "opt_out_all"),
        ("\uff34", "opt_out"), (" \uff54\uff44\u3000", "opt_out"), ("\uff34\uff24\uff33", "opt_out_all"),
        ("退订。", "opt_out"), ("退订!", "opt_out"), ("T.", "opt_out"), ("T\u200b", "opt_out"), ("\ufeffT", "opt_out"),
        ("「退订」", "opt_out"), ("\u202eT\u202c", "opt_out"), ("T\u00adD", "opt_out"), ("ⓣ!!", "opt_out"),
        ("  tds。", "opt_out_all"), ("T\ufffd", "opt_out"), ("stop", "opt_out"), ("T👍", "opt_out"),
        ("T\u3164", "opt_out"), ("\u115fTD\uffa0", "opt_out"), ("退\ufe0f订", "opt_out"),
        ("T\U000e0100D\u034f", "opt_out"),
        ("T\x08D", "opt_out"), ("退訂。", "opt_out"), ("T️⃣", "opt_out"), ("全部退訂", "opt_out_all"),
        ("T\nD", "opt_out"),
        ("TT", "other"), ("谢谢", "other"), ("", "other"), ("T D", "opt_out"), ("退 订", "opt_out"),
        ("stop all", "opt_out_all"),
        ("TD退订", "opt_out"), ("回复 TD 退订", "opt_out"), ("我要退订!", "opt_out"), ("T\u00ad D", "opt_out"),
        ("我不要退订", "other"),
        ("退订了吗", "other"), ("不退订", "other"), ("。", "other"),
        ("\u200b", "other"), ("T恤", "other"), ("9T", "other"),
    ],
)  # fmt: skip
def test_what_a_reply_asks_for(text: str, asks: str) -> None:
    assert meaning(text) == asks
