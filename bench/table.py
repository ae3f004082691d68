"""Result lines on standard input -> the table of docs/performance.md on standard output.

python -m bench | tee results.jsonl; python -m bench.table < results.jsonl
"""

import json
import sys
from typing import Any


def main() -> None:
    print("| name | value | unit | limit | ratio | goal | ok |")
    print("|---|---:|---|---:|---:|---|---|")
    for line in sys.stdin:
        if line.startswith("{"):
            print(_row(json.loads(line)))


def _row(found: dict[str, Any]) -> str:
    bounded = "ratio" in found["goal"]
    ok = ("yes" if found["ok"] else "**no**") if bounded else ""
    return (
        f"| {found['name']} | {_figure(found['value'])} | {found['unit']} | {_figure(found['limit'])} | "
        f"{_figure(found['ratio'])} | {found['goal'].replace('ratio <=', '≤').replace('ratio >=', '≥')} | {ok} |"
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
