"""Identity and mobile numbers are right by the kernel's own rules, and no two the same."""

import numpy as np

from hexad.demo import text
from hexad.demo.mix import Mix
from kernel.text import personal

_INDEX = np.arange(5000, dtype=np.uint64)


def test_identity_numbers_pass_the_kernel_and_are_unique() -> None:
    numbers, born, female = text.identity(_INDEX)
    listed = numbers.to_pylist()
    assert [personal.id_no(one) for one in listed] == listed
    assert len(set(listed)) == len(listed)
    assert [one[6:14] for one in listed] == [str(day).replace("-", "") for day in born]
    assert [int(one[16]) % 2 == 0 for one in listed] == female.tolist()


def test_mobile_numbers_pass_the_kernel_and_are_unique() -> None:
    listed = text.mobile(_INDEX).to_pylist()
    assert len({personal.mobile(one) for one in listed}) == len(listed)


def test_names_are_two_or_three_characters() -> None:
    names = text.person(Mix(1), "x", _INDEX, _INDEX % np.uint64(2) == 0).to_pylist()
    assert {len(one) for one in names} == {2, 3}
