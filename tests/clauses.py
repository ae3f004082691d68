"""`make clauses`: which clause of the regulations is proven by which test.

A clause counts as proven only by a test that carries its mark, goes through screen or API, and passes here and now.
The list of clauses is the one that ships with the module `policy`.
"""

import contextlib
import io
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "src/neiqin/modules/policy/clauses.json"
MARK = re.compile(r"mark\.clause\(([^)]*)\)")


class Proofs:
    """Collects the marked tests and whether they passed."""

    def __init__(self) -> None:
        self.marked: dict[str, list[str]] = defaultdict(list)
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep only tests that prove a clause."""
        wanted = []
        for item in items:
            ids = [i for mark in item.iter_markers("clause") for i in mark.args]
            for clause in ids:
                self.marked[clause].append(item.nodeid)
            if ids:
                wanted.append(item)
        items[:] = wanted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)


def clauses() -> dict[str, str]:
    """Clause id -> Chinese title."""
    return {c["id"]: c["title"] for c in json.loads(SHIPPED.read_bytes())}


def marked() -> set[str]:
    """The clauses that some test says it proves, read from the sources of the tests."""
    marks = (MARK.findall(path.read_text()) for path in HERE.rglob("test_*.py"))
    return {clause for found in marks for arguments in found for clause in re.findall(r"C-[A-Z]+-\d+", arguments)}


def main() -> int:
    """Print a line for each clause; 1 if a marked test fails or names a clause that does not exist."""
    known, proofs = clauses(), Proofs()
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        code = pytest.main(["-q", "-n0", "--no-header"], plugins=[proofs])
    if proofs.failed or code not in (0, 5):
        sys.stderr.write(report.getvalue())
    out = sys.stdout.write
    proven = 0
    for clause, title in known.items():
        tests = proofs.marked.get(clause, [])
        good = bool(tests) and not any(test in proofs.failed for test in tests)
        proven += good
        out(f"{clause}\t{'proven' if good else 'FAILED' if tests else 'not'}\t{title}\t{' '.join(tests)}\n")
    unknown = sorted(proofs.marked.keys() - known.keys())
    out(f"{proven} of {len(known)} clauses proven" + (f"; unknown: {', '.join(unknown)}" if unknown else "") + "\n")
    return int(bool(unknown or proofs.failed or code not in (0, 5)))


if __name__ == "__main__":
    sys.exit(main())
