"""A whole address as it is pasted from WeChat or a shop, split into who, phone, region and street.

Provinces, cities and districts: `regions.txt`, a line a city (NOTICE names its source).
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from neiqin.kernel.fields.formats.contact import phone as phone_number
from neiqin.kernel.fields.formats.text import BadFormat, clean_text, half_width

_PHONE = re.compile(
    r"(?<!\d)(?:(?:\+|00)?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?[1-9]\d{6,7}(?:-\d{1,6})?)(?!\d)"
)
_LABEL = re.compile(
    r"(?:(收货人|收件人|联系人|姓名)|联系电话|手机号码|手机号|手机|电话|所在地区|所在区域|省市区|地区|详细地址|收货地址|收件地址|地址)"
    r"\s*[:：]\s*"
)
_POSTCODE = re.compile(r"(?:邮政编码|邮编)\s*[:：]?\s*\d{6}|(?<![\d-])\d{6}(?=\s*$)|[(（]\d{6}[)）]")
_BREAK = re.compile(r"[\n,，;；|]+")
_SPACES = re.compile(r"\s+")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞"
    "颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻"
    "祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇"
    "栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_TITLED = re.compile(r"[一-鿿]{1,4}(?:先生|女士|小姐|老师|师傅|经理|主管|总|工)")
_AFTER_DOOR = re.compile(r"(?<=[号室楼栋座层元库])\s*([一-鿿]{2,4})$")


@dataclass(frozen=True)
class Address:
    """The parts; what was not found is empty. region: province, city and district in one."""

    name: str = ""
    phone: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""

    @property
    def region(self) -> str:
        return "".join(dict.fromkeys((self.province, self.city, self.district)))


def split_address(text: str) -> Address:
    """Split a pasted address: 「王小明 13800138000 江苏省苏州市工业园区星湖街328号」, labelled lines, commas, the phone
    anywhere. Nothing is invented: without a region everything but name and phone is the street.

    Raises BadFormat for what is no text.
    """
    written = half_width(clean_text(text, 500, multiline=True))
    named, phone = "", ""
    if found := _PHONE.search(written):
        phone = _phone(found[1])
        written = f"{written[: found.start()]}\n{written[found.end() :]}"
    if label := next((m for m in _LABEL.finditer(written) if m[1]), None):
        rest = _LABEL.split(written[label.end() :], maxsplit=1)[0]
        named = _BREAK.split(rest.strip())[0].strip()
        written = written.replace(label[0] + named, "\n", 1) if label[0] + named in written else written
    pieces = [p for p in (_POSTCODE.sub("", p).strip() for p in _BREAK.split(_LABEL.sub("\n", written))) if p]
    return _assembled(named, phone, pieces)


def _assembled(name: str, phone: str, pieces: list[str]) -> Address:
    words = [w for piece in pieces for w in _SPACES.split(piece)]
    start = next((i for i, w in enumerate(words) if _at(w) is not None), len(words))
    if start < len(words) and (at := _at(words[start])):
        words[start : start + 1] = [words[start][:at], words[start][at:]]  # 王小明江苏省…
        start += 1
    elif start == len(words):
        start = next((i for i, w in enumerate(words) if any(c.isdigit() for c in w)), 0)
    before, address = words[:start], words[start:]
    if not name and before:
        name = "".join(before)
        before = []
    elif not name and address and len(address) > 1 and _is_name(address[-1]):
        name = address.pop()
    elif not name and address and (door := _AFTER_DOOR.search(address[-1])) and _is_name(door[1]):
        name, address[-1] = door[1], address[-1][: door.start()]
    place, rest = _place(before + address)
    return Address(name[:40], phone, *place, street=rest)


def _phone(written: str) -> str:
    try:
        return phone_number(written.replace(" ", ""))
    except BadFormat:
        return written


def _is_name(word: str) -> bool:
    return bool(_TITLED.fullmatch(word)) or (2 <= len(word) <= 4 and word[0] in _SURNAMES and word.isalpha())


def _at(word: str) -> int | None:
    """Where in a word an address begins; None if no region is in it."""
    if _region(word)[0][1] or _region(word)[0][0]:
        return 0
    found = [at for name in _table()[0] if (at := word.find(name)) > 0]
    return min(found, default=None)


def _place(words: list[str]) -> tuple[tuple[str, str, str], str]:
    """((province, city, district), the rest): read from the words in order, a region said twice counts once."""
    text = "".join(_joined(words))
    place, rest = _region(text)
    again, shorter = _region(rest)
    if again[0] and again[0] == place[0]:
        place, rest = max(place, again, key=lambda p: sum(map(bool, p))), shorter
    return place, rest.strip()


def _joined(words: list[str]) -> list[str]:
    """Words with a space only between Latin ones."""
    pairs = itertools.pairwise(words)
    spaces = [" " if a[-1:].isascii() and b[:1].isascii() else "" for a, b in pairs]
    return [w + s for w, s in zip(words, [*spaces, ""], strict=False)]


def _region(text: str) -> tuple[tuple[str, str, str], str]:
    provinces, cities, districts = _table()
    province, rest = _longest(text, provinces)
    city, rest = _longest(rest, cities, lambda _, c: not province or c[0] == province[0])

    def here(name: str, there: dict) -> bool:
        if city:
            return city in there
        if province:
            return any(c[0] == province[0] for c in there)
        return len(there) == 1 and len(name) > 2

    places, rest = _longest(rest, districts, here)
    if places:
        city = city or next(c for c in places if not province or c[0] == province[0])
        district = places[city]
    else:
        district = ""
    if not (province or city):
        return ("", "", ""), text
    return (city[0] if city else province[0], city[1] if city else "", district), rest


def _longest(text: str, names: dict, fits: Callable[[str, Any], bool] = lambda *_: True) -> tuple:
    """(what the longest of the names that the text begins with stands for, the rest); fits: which of them count."""
    for length in range(min(len(text), 15), 1, -1):
        found = names.get(name := text[:length])
        if found is not None and fits(name, found):
            return found, text[length:].lstrip(" -/")
    return (), text


@cache
def _table() -> tuple[dict, dict, dict]:
    """Names, full and short -> (province,), (province, city), {(province, city): district}."""
    provinces: dict[str, tuple[str]] = {}
    cities: dict[str, tuple[str, str]] = {}
    districts: dict[str, dict[tuple[str, str], str]] = {}
    for line in (Path(__file__).parent / "regions.txt").read_text("utf-8").splitlines():
        province, city, names = line.split(",")
        for name in {province, _short(province)}:
            provinces[name] = (province,)
        for name in {city, _short(city)} - {""}:
            cities.setdefault(name, (province, city))
        for district in names.split():
            for name in {district, _short(district), district.removeprefix(_short(city))}:
                if len(name) > 1:
                    districts.setdefault(name, {})[province, city] = district
    return provinces, cities, districts


_ENDING = re.compile(
    r"(?:特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|[一-鿿]{1,4}族自治州|地区|自治县|省|市|区|县|盟)$"
)


def _short(name: str) -> str:
    short = _ENDING.sub("", name)
    return short if len(short) > 1 else name
