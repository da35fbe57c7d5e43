"""What is wrong with a delivery: the first hundred faults in full, the others counted, no value of a row among them."""

from msgspec import Struct, field

KEPT = 100
"""Faults of a delivery that are reported one by one."""


class Fault(Struct, frozen=True):
    """One fault: `row` counts from 1 without the header, null where it is the whole file; `column` may be empty."""

    file: str
    row: int | None
    column: str
    what: str

    def __str__(self) -> str:
        row = "" if self.row is None else f" row {self.row}"
        column = f" column {self.column}" if self.column else ""
        return f"{self.file}{row}{column}: {self.what}"


class Faults(Struct):
    """The faults of one delivery, and remarks, which stop nothing."""

    count: int = 0
    first: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, file: str, what: str, row: int | None = None, column: str = "") -> None:
        """Counts one fault and keeps it while they are few."""
        self.add_many([Fault(file, row, column, what)], 1)

    def add_many(self, shown: list[Fault], count: int) -> None:
        """Counts faults of which the first are shown."""
        self.count += count
        self.first.extend(shown[: max(0, KEPT - len(self.first))])

    def remark(self, file: str, column: str, what: str, first_row: int, count: int) -> None:
        """Notes rows that are loaded all the same, where somebody should look."""
        where = f"row {first_row}" if count == 1 else f"{count} rows, the first is row {first_row}"
        self.remarks.append(f"{file} column {column}: {what} ({where})")

    def report(self) -> list[str]:
        """One line per fault that is kept, and one for the rest."""
        rest = self.count - len(self.first)
        return [*map(str, self.first), *([f"and {faults_in_words(rest, 'more ')}"] if rest else [])]


def faults_in_words(count: int, more: str = "") -> str:
    """`1 fault`, `2 faults`."""
    return f"{count} {more}fault{'' if count == 1 else 's'}"
