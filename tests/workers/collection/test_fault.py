"""A report keeps the first hundred faults and counts the rest."""

from workers.collection.fault import Fault, Faults


def test_a_fault_says_where_and_what() -> None:
    assert str(Fault("a.csv", 3, "name", "is empty")) == "a.csv row 3 column name: is empty"
    assert str(Fault("a.csv", None, "", "it is empty")) == "a.csv: it is empty"


def test_the_rest_is_counted() -> None:
    faults = Faults()
    faults.add_many([Fault("a.csv", row, "name", "is empty") for row in range(99)], 1000)
    faults.add("b.csv", "it is empty")
    faults.add("c.csv", "it is empty")
    assert faults.count == 1002
    assert faults.report()[-2:] == ["b.csv: it is empty", "and 902 more faults"]


def test_one_is_no_plural() -> None:
    faults = Faults()
    faults.add_many([Fault("a.csv", row, "name", "is empty") for row in range(100)], 101)
    assert faults.report()[-1] == "and 1 more fault"
