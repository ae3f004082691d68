"""What is different between two versions, row by row. Rows have no number of their own: they are matched by content."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

NEAR = 20  # a changed row is looked for this far below where it was
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """kind: added, removed or changed; was, number: the row in the older and the newer version, from 1, 0 if not there;
    cells: as they are now (of a removed row as they were); before: of a changed row as they were."""

    kind: str
    was: int
    number: int
    cells: Cells
    before: Cells = ()


def difference(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> list[Change]:
    """The rows that were added, removed or changed from `old` to `new`, in the order of the newer version.

    A row counts as changed if at least half of its cells are as before; one that was moved is removed and added.
    """
    a, b = [_cells(row) for row in old], [_cells(row) for row in new]
    found: list[Change] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b).get_opcodes():
        if tag != "equal":
            found += _block(a, b, range(i1, i2), range(j1, j2))
    return found


def told(changes: Sequence[Change]) -> str:
    """How many rows of each kind, as a sentence."""
    counts = [
        (word, sum(c.kind == kind for c in changes))
        for kind, word in (("changed", "改"), ("added", "加"), ("removed", "删"))
    ]
    return "，".join(f"{word} {n} 行" for word, n in counts if n) + "。" if changes else "一行没变。"


def _block(a: Sequence[Cells], b: Sequence[Cells], olds: range, news: range) -> Iterator[Change]:
    at = news.start
    for i in olds:
        near = range(at, min(news.stop, at + NEAR))
        best = max(near, key=lambda j: _alike(a[i], b[j]), default=None)
        if best is None or _alike(a[i], b[best]) * 2 < len(a[i]):
            yield Change("removed", i + 1, 0, a[i])
            continue
        yield from (Change("added", 0, j + 1, b[j]) for j in range(at, best))
        yield Change("changed", i + 1, best + 1, b[best], a[i])
        at = best + 1
    yield from (Change("added", 0, j + 1, b[j]) for j in range(at, news.stop))


def _alike(a: Cells, b: Cells) -> int:
    return sum(x == y for x, y in zip(a, b, strict=False)) if len(a) == len(b) else -1


def _cells(row: Sequence[str]) -> Cells:
    return tuple(str(cell).strip() for cell in row)
