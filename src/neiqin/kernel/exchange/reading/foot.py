"""Rows inside and below a table that are no data: totals, counts, rulers, remarks, the header once more."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

_TOTAL = re.compile(r"(?:本页|本月|本期|人民币|累计|全部|订单)?(?:合计|总计|小计|共计|总合计)(?:金额|数量)?[::：]?")
_AMOUNT = re.compile(r"`?[-+]?[¥￥]?[-+]?[\d,]+(?:\.\d+)?%?")
_COUNT = re.compile(r"共\s*[:：]?\s*\d+\s*(?:笔|条|单|行|件|张|人|户)")
_RULER = re.compile(r"[-=—_*─]{5,}")
_REMARK = re.compile(
    r"(?:制表|制单|审核|复核|打印|导出|说明|备注|注|特别提示|以上|本明细|填表)[人时间日期]{0,4}\s*[::：]"
)
MARK = "# 导出人："  # begins the last line of our own text exports
WECHAT_SUMMARY = "总交易单数"  # WeChat Pay: the next to last record names the sums, the last one gives them


def what_is(cells: Sequence[str], names: Sequence[str]) -> str:
    """Why this row is not data (合计, 小计, 笔数, 分隔线, 说明, 又一行表头, 汇总); "" for a row of data."""
    filled = [cell for cell in cells if cell]
    first = filled[0]
    if first.startswith(MARK):
        return "说明"
    if first == WECHAT_SUMMARY:
        return "汇总"
    if _TOTAL.fullmatch(first.replace(" ", "")) and (len(filled) < max(2, len(names)) or _amounts_only(filled[1:])):
        return "小计" if "小计" in first else "合计"
    if len(filled) > 1 and tuple(filled) == tuple(names[: len(filled)]):
        return "又一行表头"
    return _short(first) if len(filled) <= 2 < len(names) else ""


def _amounts_only(cells: Sequence[str]) -> bool:
    return all(_AMOUNT.fullmatch(cell) for cell in cells)


def _short(first: str) -> str:
    if _COUNT.match(first):
        return "笔数"
    if _RULER.match(first):
        return "分隔线"
    return "说明" if first.startswith("#") or _REMARK.match(first) else ""


def amounts(cells: Sequence[str], names: Sequence[str]) -> dict[str, Decimal]:
    """The numbers of a row of totals by the header above each."""
    found = {}
    for name, cell in zip(names, cells, strict=False):
        try:
            value = Decimal(cell.replace(",", "").lstrip("¥￥`"))
        except InvalidOperation:
            continue
        if value.is_finite():
            found[name] = value
    return found


def ranges(numbers: Sequence[int]) -> str:
    """Row numbers in order -> 1—3、7; of very many only the first."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    shown = "、".join(str(a) if a == b else f"{a}—{b}" for a, b in parts[:8])
    return shown + (" 等" if len(parts) > 8 else "")
