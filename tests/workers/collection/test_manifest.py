"""What a folder holds, and which manifests are refused, each with one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import InvalidInput
from tests.workers.collection.maker import Maker, a_day
from workers.collection.manifest import Delivery, deliveries

_SHA = "0" * 64


def delivery(root: Path, manifest: object) -> Delivery:
    """A delivery with this manifest."""
    folder = root / "2026-11-20" / "counter"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    return deliveries(folder)[0][0]


def whole(**changes: Any) -> dict[str, Any]:
    """A right manifest with these members instead."""
    feeds = {"branch": {"file": "branch.csv", "rows": 1, "sha256": _SHA}}
    return {"day": "2026-11-20", "source": "counter", "feeds": feeds, **changes}


def test_a_root_a_day_and_a_delivery_are_told_apart(maker: Maker) -> None:
    for day, source in (("2026-11-20", "counter"), ("2026-11-20", "advisory"), ("2026-11-19", "counter")):
        maker.deliver(a_day(), day, source)
    named = [[one.name for one in day] for day in deliveries(maker.root)]
    assert named == [["2026-11-19 counter"], ["2026-11-20 advisory", "2026-11-20 counter"]]
    assert [len(day) for day in deliveries(maker.root / "2026-11-20")] == [2]
    assert [one.name for one in deliveries(maker.root / "2026-11-20" / "counter")[0]] == ["2026-11-20 counter"]


def test_a_right_manifest_is_read(tmp_path: Path) -> None:
    manifest = delivery(tmp_path, whole(demo=True)).read()
    assert manifest.demo
    assert manifest.feeds["branch"].rows == 1


@pytest.mark.parametrize(
    "file",
    [
        "../branch.csv",
        "/etc/passwd",
        "branch.csv/../../x",
        "branch.txt",
        "customer.csv",
        "BRANCH.csv",
        "branch.csv\0",
        "",
    ],
)
def test_a_file_can_be_nothing_but_the_feed_s_own(tmp_path: Path, file: str) -> None:
    feeds = {"branch": {"file": file, "rows": 1, "sha256": _SHA}}
    with pytest.raises(InvalidInput, match="for the feed branch"):
        delivery(tmp_path, whole(feeds=feeds)).read()


@pytest.mark.parametrize(
    "manifest",
    [
        "", "[]", "{", '{"day": "2026-11-20"}', "[" * 20_000, "{}" * 40_000,
        whole(day="2026-11-19"), whole(source="hr"), whole(day="2026-13-01"), whole(day=20261120), whole(extra=1),
        whole(feeds={}), whole(feeds={"gossip": {"file": "gossip.csv", "rows": 1, "sha256": _SHA}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": -1, "sha256": _SHA}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": 10**30, "sha256": _SHA}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": 1.5, "sha256": _SHA}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": 1, "sha256": "0" * 63}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": 1, "sha256": _SHA, "more": 1}}),
        whole(feeds={"branch": {"file": "branch.csv", "rows": 1}}), whole(demo="yes"),
    ],
)  # fmt: skip
def test_every_other_manifest_is_refused_in_one_sentence(tmp_path: Path, manifest: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        delivery(tmp_path, manifest).read()
    assert "manifest.json" in refused.value.detail
    assert "\n" not in refused.value.detail


def test_a_manifest_that_is_a_link_is_refused(tmp_path: Path) -> None:
    one = delivery(tmp_path, whole())
    (one.folder / "manifest.json").rename(tmp_path / "elsewhere.json")
    (one.folder / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InvalidInput, match="cannot be read"):
        one.read()


@pytest.mark.parametrize("name", ["2026-11-20/Counter", "2026-11-20/a b", "2026-02-30/counter", "nothing"])
def test_other_folders_are_no_deliveries(tmp_path: Path, name: str) -> None:
    (tmp_path / "root" / name).mkdir(parents=True)
    with pytest.raises(InvalidInput):
        deliveries(tmp_path / "root")
