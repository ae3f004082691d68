"""Headers of a file to the fields of a record. Nothing is guessed silently: what only looks alike is proposed."""

import difflib
import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from neiqin.kernel.exchange.reading import Book, Sheet

LINE_NUMBER, REASON = "行号", "错误原因"  # our own columns in the workbook of errors, ignored when it comes back
LEFT_OUT = "上次没有用这一列"
KEY = "_key"  # the hidden column of our own files: the record's id

_UNIT = re.compile(
    r"[(\[【](?:[+-]?(?:人民币|rmb)?[万千百]?元|%|‰|必填|选填|件|个|只|箱|台|天|日|kg|千克|克|吨|米|￥|¥|cny|rmb)[)\]】]"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CONTENT = {
    "mobile": (re.compile(r"(?:\+?86[- ]?)?1[3-9]\d{9}"), "手机号"),
    "uscc": (re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}"), "统一社会信用代码"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"), "邮箱"),
    "phone": (re.compile(r"(?:\(?0\d{2,3}\)?[- ]?)\d{7,8}(?:-\d{1,6})?|400-?\d{3}-?\d{4}"), "电话"),
    "date": (re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?: .*)?"), "日期"),
}
_ALIKE = 0.75
SURE = ("remembered", "exact", "normalised", "synonym")  # these map by themselves; "similar", "content" are proposed


@dataclass(frozen=True)
class Target:
    """What a column may become. path: field name, or `contacts.mobile`; synonyms: headers the module knows it by."""

    path: str
    label: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Column:
    """What is thought of one column. path: the target, "" for none; confidence: one of SURE, "similar", "content" or
    "" ; sure: whether it counts without being confirmed; reason: why, in Chinese."""

    index: int
    header: str
    path: str = ""
    confidence: str = ""
    sure: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Matching:
    """columns: one for each header; missing: required targets that no column brings for sure; contested: target path ->
    the columns of which only one can be it; remembered: the columns are as a person once confirmed them."""

    columns: tuple[Column, ...]
    missing: tuple[Target, ...]
    contested: Mapping[str, tuple[int, ...]]
    remembered: bool = False

    @property
    def proposals(self) -> tuple[Column, ...]:
        """Columns that a person must confirm."""
        return tuple(c for c in self.columns if c.path and not c.sure)

    @property
    def unknown(self) -> tuple[Column, ...]:
        """Columns that become nothing, our own two aside."""
        return tuple(c for c in self.columns if not c.path and c.header not in (LINE_NUMBER, REASON))

    @property
    def settled(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.missing or self.contested or self.proposals)

    def as_mapping(self) -> dict[str, str]:
        """Column index, as text -> target path: the sure ones only."""
        return {str(c.index): c.path for c in self.columns if c.sure}


def normalised(header: str) -> str:
    """A header for comparison: units in brackets, *, blanks and case dropped, full width made half, 帐 is 账, 号码 and
    编号 are 号; companyName, company_name and Company Name are one."""
    text = unicodedata.normalize("NFKC", _CAMEL.sub(" ", header)).lower()
    text = _UNIT.sub("", text).replace("帐", "账")
    text = re.sub(r"[\s_*:：\-·.\u200b]+", "", text)
    return re.sub(r"(?<=.)(?:号码|编号)$", "号", text)


@cache
def _groups() -> tuple[frozenset[str], ...]:
    written = json.loads(Path(__file__).with_name("synonyms.json").read_text(encoding="utf-8"))
    return tuple(frozenset(normalised(word) for word in group) for group in written)


@dataclass(frozen=True)
class _Names:
    """The names one target goes by, from what it is called to what is merely known to mean the same."""

    target: Target

    @cached_property
    def plain(self) -> frozenset[str]:
        path = self.target.path
        return frozenset({self.target.label, path, f"*{self.target.label}"})

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(normalised(name) for name in self.plain) if self.target.path != KEY else frozenset()

    @cached_property
    def own(self) -> frozenset[str]:
        return frozenset(normalised(word) for word in self.target.synonyms)

    @cached_property
    def general(self) -> frozenset[str]:
        label = normalised(self.target.label)
        return frozenset().union(*(group for group in _groups() if label in group))


def match(
    headers: Sequence[str],
    samples: Sequence[Sequence[str]],
    targets: Sequence[Target],
    remembered: Mapping[str, str] | None = None,
    known: Iterable[str] | None = None,
) -> Matching:
    """Which column is which target.

    samples: some rows of data, to judge by content; remembered: header -> path as a person confirmed it for such a
    file; known: the headers that person saw (default: all of these), of which the rest was left out on purpose.
    A column gets its best claim; of two equal claims on one target neither counts until a person chooses.
    """
    names = [_Names(target) for target in targets]
    paths = {target.path for target in targets}
    ignored = set(headers if known is None else known) if remembered else set()
    claims = []
    for index, header in enumerate(headers):
        path = (remembered or {}).get(header, "")
        if path in paths:
            claims.append(Column(index, header, path, "remembered", True, "历史上这样对过"))
        elif header in ignored or header in (LINE_NUMBER, REASON):
            claims.append(Column(index, header, reason=LEFT_OUT if header in ignored else "导入结果自带的列，不读"))
        else:
            claims.append(_by_name(index, header, names))
    columns, contested = _one_each(claims, {target.path: target.label for target in targets})
    columns = _proposed(columns, samples, names)
    found = {c.path for c in columns if c.sure}
    missing = tuple(target for target in targets if target.required and target.path not in found)
    as_before = bool(remembered) and all(h in headers for h, p in (remembered or {}).items() if p in paths)
    return Matching(tuple(columns), missing, contested, as_before)


def _by_name(index: int, header: str, names: Sequence[_Names]) -> Column:
    key = normalised(header)
    levels = (
        ("exact", [n for n in names if header in n.plain], "表头就叫{0}"),
        ("normalised", [n for n in names if key in n.keys], "去掉空格、括号和单位就叫{0}"),
        ("synonym", [n for n in names if key in n.own], "{1}是{0}的另一种叫法"),
        ("synonym", [n for n in names if key in n.general], "{1}是{0}的另一种叫法"),
    )
    for confidence, hits, reason in levels:
        if hits:
            target = min(hits, key=lambda n: "." in n.target.path).target
            sure = sum(("." in n.target.path) == ("." in target.path) for n in hits) == 1
            said = reason.format(target.label, header) if sure else f"{header}可能是{'、'.join(_labels(hits))}，选一个"
            return Column(index, header, target.path, confidence, sure, said)
    return Column(index, header, reason="没有对应的字段")


def _labels(names: Iterable[_Names]) -> list[str]:
    return [n.target.label for n in names]


def _one_each(claims: list[Column], labels: Mapping[str, str]) -> tuple[list[Column], dict[str, tuple[int, ...]]]:
    """A target to the column with the best claim; equal claims are contested and count for nothing yet."""
    best: dict[str, list[Column]] = {}
    for claim in claims:
        if claim.path:
            best.setdefault(claim.path, []).append(claim)
    contested, columns = {}, list(claims)
    for path, rivals in best.items():
        rivals.sort(key=lambda c: (not c.sure, SURE.index(c.confidence)))
        first = rivals[0]
        equal = [c for c in rivals if (c.sure, c.confidence) == (first.sure, first.confidence)]
        for loser in rivals:
            if len(equal) > 1 and loser in equal:
                contested[path] = tuple(sorted(c.index for c in equal))
                said = f"{'、'.join(c.header for c in equal)}都像{labels[path]}，选一个"
                columns[loser.index] = Column(loser.index, loser.header, path, loser.confidence, False, said)
            elif loser is not first:
                said = f"{labels[path]}已由「{first.header}」对上"
                columns[loser.index] = Column(loser.index, loser.header, reason=said)
    return columns, contested


def _proposed(columns: list[Column], samples: Sequence[Sequence[str]], names: Sequence[_Names]) -> list[Column]:
    """What is still open, by likeness of the header and by content: to be confirmed, one column to a target."""
    taken = {c.path for c in columns if c.path}
    answered = []
    for column in columns:
        if not column.path and column.reason == "没有对应的字段":
            free = [n for n in names if n.target.path not in taken and n.target.path != KEY]
            column = _alike(column, free) or _by_content(column, samples, free) or column
            taken.add(column.path)
        answered.append(column)
    return answered


def _alike(column: Column, free: Sequence[_Names]) -> Column | None:
    key, best, most = normalised(column.header), None, _ALIKE
    for names in free:
        for word in names.keys | names.own:
            ratio = difflib.SequenceMatcher(None, key, word).ratio() if key and word else 0
            if ratio >= most and ratio > 0:
                best, most = names.target, ratio
    if best is None:
        return None
    return Column(column.index, column.header, best.path, "similar", False, f"表头和{best.label}相近，要确认")


def _by_content(column: Column, samples: Sequence[Sequence[str]], free: Sequence[_Names]) -> Column | None:
    cells = [row[column.index] for row in samples if column.index < len(row) and row[column.index]]
    for kind, (pattern, what) in _CONTENT.items():
        fitting = [n.target for n in free if n.target.kind == kind]
        if len(fitting) == 1 and cells and sum(bool(pattern.fullmatch(c)) for c in cells) >= 0.8 * len(cells):
            return Column(column.index, column.header, fitting[0].path, "content", False, f"内容像{what}，要确认")
    return None


def best_sheet(book: Book, targets: Sequence[Target]) -> Sheet:
    """The sheet of a file whose headers match most targets for sure; the first of equals."""
    return max(book.sheets, key=lambda sheet: len(match(sheet.headers, (), targets).as_mapping()))


def signature(headers: Iterable[str]) -> str:
    """The same for the same headers in any order: 64 hexadecimal digits."""
    return hashlib.sha256("\x1f".join(sorted(headers)).encode()).hexdigest()


@dataclass(frozen=True)
class Drift:
    """How the headers of a file differ from those remembered."""

    gone: tuple[str, ...]
    new: tuple[str, ...]
    moved: tuple[str, ...]
    near: bool  # at least 60 % of each side are the same: worth offering what was remembered


def drift(remembered: Sequence[str], headers: Sequence[str]) -> Drift:
    """Remembered headers and those of this file -> what is gone, new, and in another place among those in both."""
    before, after = Counter(remembered), Counter(headers)
    stayed = before & after
    old, new = [h for h in remembered if h in stayed], [h for h in headers if h in stayed]
    moved = [h for tag, a, b, _, _ in difflib.SequenceMatcher(None, old, new, False).get_opcodes()
             if tag in ("delete", "replace") for h in old[a:b]]  # fmt: skip
    near = stayed.total() >= 0.6 * max(len(remembered), len(headers), 1)
    return Drift(tuple((before - after).elements()), tuple((after - before).elements()), tuple(moved), near)
