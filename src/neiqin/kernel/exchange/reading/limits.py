"""What a file may be at most, and how a file that cannot be read is refused."""

from dataclasses import dataclass


class Unreadable(Exception):
    """The file cannot be read as a table. `sentence`: for people, what is wrong and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Limits:
    """Bounds of one file. `rows` and `cell` are Excel's own; `unpacked` and `area` keep memory below half a gigabyte.

    packed: bytes of the file; unpacked: bytes inside a workbook's zip; ratio: unpacked to packed of one part;
    columns: of a sheet; rows: of a sheet; area: rows x columns from A1 to the last filled cell; cell: characters.
    """

    packed: int = 64 << 20
    unpacked: int = 200 << 20
    ratio: int = 200
    columns: int = 500
    rows: int = 1_048_576
    area: int = 12_000_000
    cell: int = 32_767
