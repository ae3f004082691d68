"""Workbooks (.xlsx, .xls) through the reading process of `child.py`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from neiqin.kernel.exchange.reading.limits import Limits, Unreadable

Raw = tuple[list[str], str]
_CHILD = str(Path(__file__).with_name("child.py"))


@dataclass
class RawSheet:
    """A sheet as found: its merged ranges as (first row, first column, last row, last column), from 0, and its head."""

    name: str
    hidden: bool
    merged: list[tuple[int, int, int, int]]
    head: list[Raw] = field(default_factory=list)


def heads(body: bytes, limits: Limits) -> list[RawSheet]:
    """Every sheet of a workbook with its first 200 rows (hidden ones without). Unreadable as `answers`."""
    found: list[RawSheet] = []
    for answer in answers(body, -1, limits):
        if "sheet" in answer:
            merged = [(a, b, c, d) for a, b, c, d in answer["merged"]]
            found.append(RawSheet(answer["sheet"], answer["hidden"], merged))
        else:
            found[-1].head += [(texts, kinds) for texts, kinds in answer["rows"]]
    return found


def rows(body: bytes, index: int, limits: Limits) -> Iterator[Raw]:
    """All rows of one sheet, from row 1, as texts and kinds. Unreadable as `answers`."""
    for answer in answers(body, index, limits):
        yield from answer.get("rows", ())


def answers(body: bytes, index: int, limits: Limits) -> Iterator[dict[str, Any]]:
    """What the reading process says, line by line. Unreadable: a password, too large, or the process gave up."""
    command = [sys.executable, "-I", _CHILD, str(index), str(limits.columns), str(limits.rows), str(limits.area)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(body)
                child.stdin.close()
            for line in child.stdout:
                answer = orjson.loads(line)
                if "error" in answer:
                    raise _refused(answer, limits)
                yield answer
            if child.wait() != 0:
                raise Unreadable(
                    "工作簿读不出来：格式坏了，或有格子在很远的地方把表撑得太大。"
                    "用 Excel 或 WPS 打开，只把有内容的区域复制到新工作簿，存为 .xlsx，再导入。"
                )
        finally:
            child.kill()


def _environment() -> dict[str, str]:
    """Only what the interpreter may need to start: no address of a database, no secret."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}


def _refused(answer: dict[str, Any], limits: Limits) -> Unreadable:
    if answer["error"] == "password":
        return Unreadable("工作簿有密码，打不开。在 Excel 或 WPS 里去掉密码，另存一份，再导入。")
    name, height, width = answer["sheet"], answer["rows"], answer["columns"]
    if width > limits.columns:
        return Unreadable(f"工作表「{name}」有 {width} 列，最多 {limits.columns} 列。删掉不用的列，再导入。")
    return Unreadable(
        f"工作表「{name}」从头到最后一格有 {height} 行 {width} 列，太大。"
        "删掉下方和右方不用的格子，或拆成几个文件，再导入。"
    )
