"""Personal data leaves the loader sealed for its place, masked and indexed, by however many processes."""

from collections.abc import AsyncIterator

import pyarrow as pa
import pytest

from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.settings import Settings
from kernel.text import personal
from tests.workers.collection.maker import ID_NO
from workers.collection import seal
from workers.collection.seal import Sealer, Sealers
from workers.collection.transfer import lines

_BATCH = pa.RecordBatch.from_pydict(
    {
        "customer_no": ["C1", "C2", "C3"],
        "id_no": [ID_NO, "e12345678 ", "91310000MA1FL0X00X"],
        "mobile": ["13800138000", None, "+86 138-0013-8000"],
    }
)


def test_what_is_sealed_opens_at_its_place_alone(settings: Settings) -> None:
    sealed = Sealer(settings).seal(_BATCH, "customer").to_pydict()
    opened = [
        Fields(settings).open(bytes.fromhex(text[2:]), Place("customer", "id_no", key))
        for key, text in zip(sealed["customer_no"], sealed["id_no"], strict=True)
    ]
    assert opened == [ID_NO, "E12345678", "91310000MA1FL0X00X"]
    assert sealed["id_no_mask"] == ["1****************1", "*******78", "****************0X"]
    assert sealed["mobile_mask"] == ["138****8000", None, "138****8000"]
    assert sealed["mobile"][1] is None


@pytest.mark.parametrize(
    "number", [ID_NO, "11010519491231002X", "110105194912310022", "12345678901234567A", "130503670401001"]
)
def test_what_is_loaded_is_masked_as_everything_else(settings: Settings, number: str) -> None:
    batch = _BATCH.set_column(_BATCH.schema.get_field_index("id_no"), "id_no", pa.array([number] * len(_BATCH)))
    masks = Sealer(settings).seal(batch, "customer").to_pydict()["id_no_mask"]
    assert set(masks) == {personal.mask_id_no(number)}


def test_the_index_finds_however_it_was_written(settings: Settings) -> None:
    index = BlindIndex(settings)
    sealed = Sealer(settings).seal(_BATCH, "customer").to_pydict()
    assert sealed["mobile_index"][0] == sealed["mobile_index"][2] == f"\\x{index.of('mobile', '13800138000').hex()}"
    assert sealed["id_no_index"][0] == f"\\x{index.of('id_no', ID_NO).hex()}"


async def _batches(count: int) -> AsyncIterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.RecordBatch.from_pydict({"employee_no": [f"E{number}"], "mobile": ["13800138000"]})


@pytest.mark.parametrize("worth_it", [1, 10**9])
async def test_the_order_stays_with_one_process_or_several(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, worth_it: int
) -> None:
    monkeypatch.setattr(seal, "_WORTH_IT", worth_it)
    with Sealers(settings) as sealers:
        found = [line async for line in lines(_batches(30), sealers.ready("employee", 30))]
    assert [line.split(b",")[0] for line in found] == [b'"E%d"' % number for number in range(30)]
