"""What an order that came as a chat message says: items with quantities, who gets it where, by which day. Pure; which
product an item is, is not decided here (`matching.py`).

Nothing is invented: a quantity stands only where a number was written for it, and what is no item, address or day goes
into the remarks, so that every word of the message is found again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from neiqin.kernel.fields.formats import BadFormat, clean_text, half_width, split_address
from neiqin.kernel.fields.formats.days import day_in_words
from neiqin.kernel.fields.formats.number import quantity as number

LONGEST = 8000
MOST = 500
COUNTED = "个只件箱盒包袋桶瓶支根条把台套卷张片块双对副打盘排组批板筒罐听捆扎粒枚颗付床幅本册顶车托"
_UNITS = "平方米|立方米|公斤|千克|平方|公分|厘米|毫米|码|米|吨|斤|克|升|方|kg|KG|Kg|pcs|PCS|Pcs|" + "|".join(COUNTED)
MEASURES = frozenset(("平方米", "立方米", "公斤", "千克", "平方", "码", "米", "吨", "斤", "升", "方", "kg"))
_SAME_UNIT = {"pcs": "个", "千克": "公斤", "kg": "公斤"}
_CHINESE = "零〇一二两三四五六七八九十百千万半俩"
_NUMBER = rf"(?:\d[\d,]*(?:\.\d+)?万?|[{_CHINESE}]+)"
_COUNT = re.compile(rf"(?:各|共|合计|总共)?\s*(?P<n>{_NUMBER})\s*(?P<u>{_UNITS})(?<![A-Za-z](?=[A-Za-z]))")
_LABELLED = re.compile(rf"(?:数量|数目|订购|采购)\s*[:：]?\s*(?P<n>{_NUMBER})\s*(?P<u>{_UNITS})?")
_TIMES = re.compile(rf"(?:(?<=[\s\w)）])|^)\s*[*×xX✖]\s*(?P<n>{_NUMBER})\s*(?P<u>{_UNITS})?\s*$")
_BARE_END = re.compile(r"(?:^|[\s:：=—]+|\s-\s*)(?P<n>\d[\d,]*(?:\.\d+)?)\s*$")
_PRICE = re.compile(
    r"(?:含税)?(?:单价|价格|价)\s*[:：]?\s*[¥￥]?\s*(?P<a>\d[\d,]*(?:\.\d+)?)\s*(?:元|块)?(?:\s*[/每]\s*\w)?"
    r"|[@¥￥]\s*(?P<b>\d[\d,]*(?:\.\d+)?)(?:元)?(?:\s*/\s*\w)?"
    r"|(?P<c>\d[\d,]*(?:\.\d+)?)\s*(?:元|块钱)(?:\s*(?:/|每|一)\s*\w)?"
)
_EACH = re.compile(
    rf"(?:各|都)(?:要|来|订)?\s*(?P<n>{_NUMBER})\s*(?P<u>{_UNITS})?$|每[样种款]\s*(?P<m>{_NUMBER})\s*(?P<v>{_UNITS})?$"
)
_STAMP = re.compile(
    r"^\s*(?:[\w（）()·\-]{1,20}\s+)?(?:\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?\s+)?(?:上午|下午|晚上|早上)?\s*\d{1,2}:\d{2}(?::\d{2})?\s*$"
)
_SPEAKER = re.compile(r"^\s*[「『]?[\w·（）()]{1,12}[:：]\s*(?=\S)")
_QUOTED = re.compile(r"^[-—–\s·]{5,}$")
_FACE = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,6}\]|@\S+\s|[\U0001f300-\U0001faff\u2600-\u27bf]")
_NUMBERED = re.compile(
    r"^\s*(?:[(（]?\d{1,3}[)）]|\d{1,2}、|\d{1,2}[.](?!\d)|[①-⑳]|[一二三四五六七八九十]{1,2}、|[-•·*▪◦>]\s)\s*"
)
_PARTS = re.compile(
    r"(?<!\d)[,，](?!\d{3}\b)|(?<=\d)[,，](?!\d{3}(?!\d))|[;；。！!？?、]|\s+(?:还有|另外|再来|再要|以及|外加)"
)
_CALLING = re.compile(
    r"^(?:(?:在吗|你好|您好|早上好|早|亲|老板|老师|美女|帅哥|[\u4e00-\u9fff]{1,2}(?:姐|哥|总|工|经理|主任|老板|师傅|小姐|先生))[,，:：!！~\s]*)+"
)
_LEADING = re.compile(
    r"^(?:(?:麻烦|请|烦请|帮忙|帮我们?|给我们?|我们?(?:这边|公司|厂里?)?|你们?|再|另外?|还有|还|以及|和|加|先|这次|今天|明天|又|那|就|需要?|要|订购?|定|买|采购|"
    r"下单|下个单|下一?个?订单|来|拿|发货?|送|补|追加|备|准备|安排|上|一下|的话|订单|清单|如下|赶紧|尽快|抓紧|贵司|贵公司|的(?=[\u4e00-\u9fff])|货(?=[:：])|品名|名称|产品|货号|型号|规格|货物|物料)[:：,，\s]*)+"
)
_TRAILING = re.compile(
    r"(?:[,，\s]*(?:谢谢|谢了|多谢|麻烦了|辛苦了?|还有货吗|有货吗|有没有|有吗|那种|也要|也|再来|再要|来|订|哈|哦|啊|吧|呢|的|就行|即可|就好|左右|这样|数量|共|要|x|X|\*|×|[:：=\-—~～.。]))+$"
)
_DAY = re.compile(
    r"(?P<d>大后天|今天|明天|后天|[\d一二两三四五六七八九十]{1,3}\s*(?:天|周|个月)后|(?:下下|下|这|本)?(?:周|星期|礼拜)[一二三四五六日天]|月底|"
    r"(?:\d{4}年)?\d{1,2}月\d{1,2}[日号]|\d{1,2}[日号]|\d{4}-\d{1,2}-\d{1,2})\s*(?:之?前|以前|上午|下午|晚上|早上|中午)?\s*"
    r"(?:能|可以|就|必须|一定|务必)?\s*(?:急?要|急?用|到货?|送到?|送货|发货?|发出|交货?|前|需要|提货|来拿|自提)"
)
_DAY_LABEL = re.compile(r"(?:交期|交货期|交货日期|要求交期|到货日期|送货时间|发货时间)\s*[:：]?\s*(?P<d>\S{1,14})")
_SAME = re.compile(
    r"照旧|老样子|(?:和|跟|同|按)上(?:次|回|一?批|一?单)(?:的)?(?:一样|一致|相同)?|同上次|上次的.{0,6}再(?:来|要|发)"
)
_GIFT = re.compile(r"(?:赠送|赠品|免费送|送的|搭送)")
_ASIDE = re.compile(r"[（(]([^（）()]{1,40})[)）]")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)")
_WHERE = re.compile(
    r"^(?:收货人|收件人|联系人|收货|收件|联系电话|电话|手机|地址|收货地址|收件地址|送货地址|送到|发到|寄到|发往)\s*[:：]?"
)
_STREET = re.compile(
    r"(?:省|市|区|县|镇|乡|街道|路|大道|街|巷|弄|村|工业园|产业园|开发区|科技园).*(?:\d+\s*(?:号|弄|幢|栋|室|楼)|门口|仓库|物流园|园区|厂|库)"
)
_COURTESY = re.compile(
    r"(?:在吗|你好|您好|早上好|上午好|下午好|晚上好|早安?|谢谢|多谢|谢了|麻烦了?|辛苦了?|好的|收到|ok|OK|嗯+|老板|亲|急用|[\u4e00-\u9fff]{1,2}(?:姐|哥|总|工|经理|主任|师傅)早?|"
    r"(?:麻烦)?(?:帮我)?下个?单|订货|采购单|订单|[:：!！~～\s])*"
)
_COMPANY = re.compile(
    r"[\u4e00-\u9fff（）()]{2,24}(?:有限责任公司|股份有限公司|有限公司|公司|经营部|商行|门市部|厂|集团)"
)
HEADS = {
    "item": ("品名", "名称", "产品", "产品名称", "货品", "物料名称", "商品", "商品名称", "物品", "品名规格", "货名"),
    "code": ("货号", "料号", "物料编码", "编码", "产品编码", "商品编码", "物料号", "客户料号", "sku", "条码"),
    "spec": ("规格", "型号", "规格型号", "型号规格", "尺寸", "参数"),
    "quantity": ("数量", "订购数量", "采购数量", "订单数量", "qty", "需求数量", "数目"),
    "unit": ("单位", "计量单位"),
    "price": ("单价", "含税单价", "价格", "含税价"),
    "note": ("备注", "说明", "要求"),
}
_HEAD = {word: name for name, words in HEADS.items() for word in words}
_IGNORED = frozenset(("序号", "no", "no.", "行号", "金额", "总价", "合计", "小计", "含税金额", "税率"))


@dataclass(frozen=True)
class Item:
    """One thing that is wanted. text: as it was written; words: what it is called; quantity: None where no number was
    written for it; loose: the number stands without a unit and may be part of a name; price: of one, in yuan;
    measured: the words with what was taken for the quantity though it may be a size (1米, *7), should another follow.
    """

    text: str
    words: str
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    gift: bool = False
    note: str = ""
    loose: bool = False
    measured: str = ""


@dataclass
class Reading:
    """What a message says. again: wants what was ordered the last time; companies: names of companies in it; rest: what
    is nothing of all that."""

    items: list[Item] = field(default_factory=list)
    consignee: str = ""
    phone: str = ""
    region: str = ""
    street: str = ""
    required_on: date | None = None
    again: bool = False
    companies: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


def read(text: str, today: date) -> Reading:
    """Read a pasted message, an Excel block or a list. today: from which 明天 counts. Raises BadFormat for no text."""
    found = Reading()
    lines = [line for raw in clean_text(text, LONGEST, multiline=True).split("\n") if (line := _said(raw))]
    if (table := _table(lines)) is not None:
        rows, lines = table
        found.items += rows
    lines = _address(lines, found)
    for line in lines:
        _line(line, found, today)
    found.items = _settled(found.items)[:MOST]
    return found


def _said(raw: str) -> str:
    """A line without what the chat program wrote into it."""
    if _STAMP.match(raw) or _QUOTED.match(raw):
        return ""
    line = _FACE.sub(" ", raw).strip(" \r「」『』")
    return line if "\t" in line else line.strip()


# An Excel block


def _table(lines: Sequence[str]) -> tuple[list[Item], list[str]] | None:
    """The rows of a block with tabs or bars, and the lines outside it; None if there is none."""
    split = [_cells(line) for line in lines]
    if sum(len(cells) > 1 for cells in split) < 2:
        return None
    rows = [cells for cells in split if len(cells) > 1]
    outside = [line for line, cells in zip(lines, split, strict=True) if len(cells) <= 1]
    heads = [_HEAD.get(half_width(c).lower().replace(" ", ""), "") for c in rows[0]]
    known = sum(bool(h) for h in heads)
    if known >= 2 or (known == 1 and all(h or c.lower() in _IGNORED for h, c in zip(heads, rows[0], strict=True))):
        rows = rows[1:]
    else:
        heads = _guessed_heads(rows)
    return [item for row in rows if (item := _row(row, heads))], outside


def _cells(line: str) -> list[str]:
    line = line.replace("｜", "|")
    parts = line.split("\t") if "\t" in line else line.strip("|").split("|") if line.count("|") >= 2 else [line]
    return [p.strip() for p in parts] if sum(bool(p.strip()) for p in parts) > 1 else [line]


def _guessed_heads(rows: Sequence[Sequence[str]]) -> list[str]:
    """Without headers: the first column with numbers all down, after the names, is the quantity, the next the price."""
    width = max(map(len, rows))
    heads: list[str] = []
    for n in range(width):
        column = [row[n] for row in rows if n < len(row) and row[n]]
        numeric = bool(column) and all(_quantity(c)[0] is not None for c in column)
        counting = n == 0 and numeric and [c.rstrip("、.") for c in column] == [str(i + 1) for i in range(len(column))]
        if counting or not column:
            heads.append("")
        elif numeric and "item" in heads:
            heads.append("quantity" if "quantity" not in heads else "price" if "price" not in heads else "")
        elif all(re.fullmatch(_UNITS, c) for c in column):
            heads.append("unit")
        else:
            heads.append("item" if "item" not in heads else "spec" if "quantity" not in heads else "note")
    return heads


def _row(row: Sequence[str], heads: Sequence[str]) -> Item | None:
    said: dict[str, str] = {}
    for head, cell in zip(heads, row, strict=False):
        if head and cell:
            said[head] = f"{said[head]} {cell}" if head in said else cell
    words = " ".join(said[h] for h in ("code", "item", "spec") if h in said)
    if not words or words in ("合计", "总计", "小计"):
        return None
    count, unit = _quantity(said.get("quantity", ""))
    price, _ = _quantity(said.get("price", "").strip("¥￥元"))
    return Item(
        "\t".join(c for c in row if c), said["code"] if "item" not in said and "code" in said else words, count,
        unit or _unit(said.get("unit", "")), price, note=said.get("note", ""),
    )  # fmt: skip


def _quantity(text: str) -> tuple[Decimal | None, str]:
    if found := re.fullmatch(rf"\s*(?P<n>{_NUMBER})\s*(?P<u>{_UNITS})?\s*", text):
        return _amount(found["n"]), _unit(found["u"] or "")
    return None, ""


# Where it goes


def _address(lines: Sequence[str], found: Reading) -> list[str]:
    """Take the lines of the address out; the others."""
    marks = [_is_place(line) for line in lines]
    here = [line for line, mark in zip(lines, marks, strict=True) if mark]
    if not here:
        return list(lines)
    text = "\n".join(
        re.sub(r"^(?:送到|发到|寄到|发往|(?:收货|收件)(?!人|电话|地址))\s*[:：]?\s*", "", line) for line in here
    )
    try:
        parts = split_address(text[:500])
    except BadFormat:
        return list(lines)
    found.consignee, found.phone, found.region, found.street = parts.name, parts.phone, parts.region, parts.street
    return [line for line, mark in zip(lines, marks, strict=True) if not mark]


def _is_place(line: str) -> bool:
    if "\t" in line:
        return False
    plain = _COUNT.search(_PHONE.sub("", line))
    street = _STREET.search(line)
    if _PHONE.search(line):
        return not plain or bool(street)
    return bool(_WHERE.match(line)) or (bool(street) and not (plain and plain.end() == len(line)))


# Lines of talk


def _line(line: str, found: Reading, today: date) -> None:
    line = _NUMBERED.sub("", line, count=1)
    if _SAME.search(line):
        found.again = True
    line = _day(line, found, today)
    found.companies += [m[0] for m in _COMPANY.finditer(line) if m[0] not in found.companies]
    parts = [p for p in (_NUMBERED.sub("", p or "").strip() for p in _PARTS.split(line)) if p]
    said: list[Item] = []
    for part in [one for several in map(_several, parts) for one in several]:
        item = _item(part)
        if item is None or not item.words:
            _follows(part, item, said, found)
        elif (each := _EACH.search(part)) and item.quantity is not None:
            said.append(item)
            _share(each, said)
        else:
            said.append(item)
    found.items += said


def _several(part: str) -> list[str]:
    """Things said one after another with nothing but a space between: 电机2台 驱动器2台, A*4  B*2."""
    ends = [m.end() for m in _COUNT.finditer(part) if m["u"].lower() not in MEASURES and _stands_alone(part, m)]
    ends += [m.end() for m in re.finditer(r"[*×xX]\s*\d+(?=\s+[\w\-]{3,}.*[*×xX]\s*\d+\s*$)", part)]
    cuts = [end for end in sorted(ends) if part[end : end + 1].isspace() and re.search(r"[\w]{2}.*\d", part[end:])]
    found, last = [], 0
    for cut in cuts:
        if re.search(rf"{_NUMBER}\s*(?:{_UNITS})|[*×xX]\s*\d+", part[cut:]):
            found.append(part[last:cut])
            last = cut
    return [one.strip() for one in (*found, part[last:])]


def _share(each: re.Match[str], said: list[Item]) -> None:
    """A、B各20个: those before have the same quantity."""
    count, unit = _amount(each["n"] or each["m"]), _unit(each["u"] or each["v"] or "")
    for n in range(len(said) - 1, -1, -1):
        if said[n].quantity is not None and n < len(said) - 1:
            break
        said[n] = replace(said[n], quantity=count, unit=unit)


def _follows(part: str, item: Item | None, said: list[Item], found: Reading) -> None:
    """A part that names nothing itself: a quantity or a price of what was named just before, or mere talk."""
    last = said[-1] if said else None
    bare = re.fullmatch(r"\d[\d,]*", part)
    if (each := _EACH.search(part)) and last is not None and last.quantity is None:
        _share(each, said)
    elif last is not None and item is not None and item.quantity is not None and re.match("[送赠搭]", part):
        said.append(replace(last, text=part, quantity=item.quantity, unit=item.unit, price=None, gift=True))
    elif last is not None and item is not None and item.quantity is not None and _open(last):
        said[-1] = replace(
            last, words=last.measured or last.words, quantity=item.quantity, unit=item.unit, loose=item.loose
        )
    elif last is not None and bare and last.quantity is None:
        said[-1] = replace(last, quantity=_amount(part), loose=True)
    elif last is not None and item is not None and item.price is not None and last.price is None:
        said[-1] = replace(last, price=item.price)
    elif len(part) > 1 and not part.isdigit() and not _SAME.search(part) and not _COURTESY.fullmatch(part):
        found.rest.append(part)


def _open(item: Item) -> bool:
    return item.quantity is None or bool(item.measured)


def _day(line: str, found: Reading, today: date) -> str:
    """Take the day out by which it is wanted."""
    for pattern in (_DAY_LABEL, _DAY):
        if match := pattern.search(line):
            day = _when(match["d"], today)
            if day is not None:
                found.required_on = found.required_on or day
                return f"{line[: match.start()]} {line[match.end() :]}".strip(" ,，。;；")
    return line


def _when(word: str, today: date) -> date | None:
    word = re.sub(r"(?:之?前|以前|上午|下午)$", "", word.strip())
    if exact := re.fullmatch(r"(\d{4})[-年/](\d{1,2})[-月/](\d{1,2})日?", word):
        try:
            return date(*map(int, exact.groups()))
        except ValueError:
            return None
    if (spoken := re.match(r"[一二两三四五六七八九十]+(?=\s*(?:天|周|个月)后)", word)) and (
        days := _chinese(spoken[0])
    ):
        word = f"{days}{word[spoken.end() :]}"
    return day_in_words(re.sub(r"^\d{4}年", "", word), today)


def _item(part: str) -> Item | None:
    """A part of a line as an item; None for what names nothing."""
    text, gift = part, bool(_GIFT.search(part))
    body = _GIFT.sub("", _CALLING.sub("", part))
    note = ""
    if (aside := _ASIDE.search(body)) and not _COUNT.fullmatch(aside[1]) and not re.search(r"[A-Za-z0-9]", aside[1]):
        note, body = aside[1], f"{body[: aside.start()]} {body[aside.end() :]}"
    price = None
    if said := _PRICE.search(body):
        price = _amount(said["a"] or said["b"] or said["c"])
        body = f"{body[: said.start()]} {body[said.end() :]}"
    count, unit, loose, left = _counted(body.strip())
    words = _trimmed(left)
    measured = _trimmed(body) if not unit or unit.lower() in MEASURES else ""
    if not words or (count is None and not _names_something(words)):
        said_more = count is not None or price is not None
        return Item(text, "", count, unit, price, gift, loose=loose) if said_more and not words else None
    return Item(text, words, count, unit, price, gift, note, loose, measured)


def _counted(body: str) -> tuple[Decimal | None, str, bool, str]:
    """Quantity, unit, whether it is loose, and what is left."""
    counts = [m for m in _COUNT.finditer(body) if _stands_alone(body, m)]
    own = [m for m in counts if m["u"].lower() not in MEASURES]
    if found := _LABELLED.search(body) or (None if own else _TIMES.search(body)):
        return _amount(found["n"]), _unit(found["u"] or ""), False, _without(body, found)
    own = own or counts
    if own:
        best = own[-1] if own[-1].end() >= len(_TRAILING.sub("", body)) or own[0].start() > 2 else own[0]
        return _amount(best["n"]), _unit(best["u"]), False, _without(body, best)
    if (found := _BARE_END.search(body)) and found.start() > 0:
        return _amount(found["n"]), "", True, body[: found.start()]
    if (found := re.match(r"(?P<n>\d{1,5})\s+(?=\S)", body)) and _names_something(body[found.end() :]):
        return _amount(found["n"]), "", True, body[found.end() :]
    return None, "", False, body


def _stands_alone(body: str, match: re.Match[str]) -> bool:
    """Not the tail of a number in a name: 「M8*30个」 is none, 「6204 30个」 and 「轴承30个」 are."""
    before = body[: match.start("n")]
    return not re.search(r"[A-Za-z0-9][*×xX./\-]$|[A-Za-z]$", before) or bool(re.search(r"\d[)）]?[xX*×]$", before))


def _without(body: str, match: re.Match[str]) -> str:
    return f"{body[: match.start()]} {body[match.end() :]}"


def _trimmed(words: str) -> str:
    before = None
    while words != before:
        before = words
        words = _TRAILING.sub("", _LEADING.sub("", words.strip(" ,，:：。.;；、~～!！?？-—*×\"'“”"))).strip()
    return re.sub(r"\s+", " ", words)


def _names_something(words: str) -> bool:
    """Could be what a thing is called though no quantity is said: it has a code in it."""
    return bool(re.search(r"\d", words) and re.search(r"[A-Za-z0-9\-]{3,}", words))


def _settled(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.words]


def _unit(text: str) -> str:
    return _SAME_UNIT.get(text.lower(), text)


_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}


def _amount(text: str) -> Decimal | None:
    """1,200 · 3万 · 两百五 · 半 -> a Decimal; None where it is no number."""
    if text[:1].isdigit():
        try:
            return number(text)
        except BadFormat:
            return None
    if text == "半":
        return Decimal("0.5")
    return _chinese(text)


def _chinese(text: str) -> Decimal | None:
    """二十, 一百二 (=120), 三千零五, 两万."""
    total = part = 0
    digit: int | None = None
    last = 1
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char] if digit is None else digit * 10 + _DIGITS[char]
            if char in "零〇":
                last = 10
        elif char in _TENS:
            part += (1 if digit is None else digit) * _TENS[char]
            last, digit = _TENS[char], None
        elif char == "万":
            total, part, digit, last = (total + part + (digit or 0)) * 10_000, 0, None, 10_000
        else:
            return None
    if digit is not None:
        part += digit * (last // 10 if last > 10 and digit < 10 else 1)
    value = total + part
    return Decimal(value) if value else None
