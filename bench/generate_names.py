"""Names and numbers that look Chinese and mean nobody: companies, persons, mobiles, registration codes.

    company_names(1_000_000, seed=1)   a list of different names; the same seed gives the same list on every machine

Brands (字号) are invented from two or three characters of good omen; pairs that name a listed company are left out. A
company of that name may exist all the same, as may a mobile number: China reserves no range of either for examples.
Regions are those of GB/T 2260 (bench/regions.csv).
"""

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from neiqin.kernel.fields.formats import uscc_check_digit


@cache
def name_parts() -> dict[str, tuple[str, ...]]:
    """name_parts.txt -> section -> its words."""
    sections: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("name_parts.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            words.extend(line.split())
    return {name: tuple(words) for name, words in sections.items()}


_PARTS = name_parts()
_TRADES, _SHOP_TRADES, _SURNAMES = _PARTS["trades"], _PARTS["shop trades"], _PARTS["surnames"]
_GIVEN_FIRST, _GIVEN_LAST, _MOBILE_HEADS = _PARTS["given first"], _PARTS["given last"], _PARTS["mobile heads"]


class Region(NamedTuple):
    """area: 华东, 华南 or 华北; code: six digits of GB/T 2260; dialing: telephone area code."""

    area: str
    province: str
    city: str
    district: str
    code: str
    dialing: str


_COMPANY = ("有限公司",) * 16 + ("有限责任公司",) * 2 + ("股份有限公司",) * 2
_SHOP = ("经营部", "商行", "厂", "经营部", "门市部", "配件厂", "机电行", "批发部")
_STEP = 2_533_939_453  # coprime to the number of mobiles below: walks through all of them, meeting none twice


@cache
def regions() -> tuple[Region, ...]:
    """The districts in bench/regions.csv."""
    with Path(__file__).with_name("regions.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Region(**row) for row in csv.DictReader(file))


@cache
def _brands() -> tuple[str, ...]:
    first, second, third = _PARTS["brand first"], _PARTS["brand second"], _PARTS["brand third"]
    listed = set(_PARTS["brand listed"])
    pairs = [a + b for a in first for b in second if a != b and a + b not in listed]
    return (*pairs, *pairs, *(pair + end for pair in pairs[::3] for end in third[::4]))


def short_place(name: str) -> str:
    """苏州市 -> 苏州, 工业园区 stays; what a company name takes of a place."""
    return (
        name[:-1]
        if len(name) > 2 and name[-1] in "市省区县" and not name.endswith(("园区", "新区", "自治区"))
        else name
    )


@cache
def _heads() -> tuple[tuple[str, str, str], ...]:
    """For each district: what short, full and bracketed company names take of it."""
    made = []
    for region in regions():
        city, district = short_place(region.city), short_place(region.district)
        province = "" if region.province == region.city else region.province
        made.append(
            (city, f"{province}{region.city}{region.district}", district if region.district.endswith("市") else city)
        )
    return tuple(made)


def _word(trade: str) -> str:
    """The first word of a trade: 钢结构, 供应链 of 供应链管理, 精密 of 精密机械."""
    return trade[:3] if trade[:3] in _PARTS["three"] else trade[:2]


def companies(n: int, seed: int) -> list[tuple[str, str, int]]:
    """n different companies -> (full name, short name 简称, index into regions()). Deterministic for a seed."""
    random = Random(seed)
    places, brands = _heads(), _brands()
    names: dict[str, tuple[str, int]] = {}
    while len(names) < n:
        wanted = n - len(names) + 64
        rows = zip(
            random.choices(range(len(places)), k=wanted),
            random.choices(brands, k=wanted),
            random.choices(_TRADES, k=wanted),
            random.choices(_SHOP_TRADES, k=wanted),
            random.choices(_COMPANY, k=wanted),
            random.choices(_SHOP, k=wanted),
            random.choices(range(100), k=wanted),
            strict=True,
        )
        for at, brand, trade, shop_trade, company, shop, layout in rows:
            city, full, bracket = places[at]
            if layout < 66:
                name = f"{city}{brand}{trade}{company}"
            elif layout < 78:
                name = f"{brand}{trade}（{bracket}）有限公司"
            elif layout < 84:
                name = f"{full}{brand}{trade}{company}"
            elif layout < 95:
                name, trade = f"{full if layout < 88 else city}{brand}{shop_trade}{shop}", shop_trade
            elif layout < 98:
                name = f"{city}{brand}{trade}集团有限公司"
            else:
                name = f"{city}{brand}{trade}有限公司{bracket}分公司"
            names[name] = (f"{city}{brand}{_word(trade)}", at)
    return [(name, short, at) for (name, (short, at)), _ in zip(names.items(), range(n), strict=False)]


def company_names(n: int, seed: int) -> list[str]:
    """n different full company names. Deterministic for a seed."""
    return [name for name, _, _ in companies(n, seed)]


def person_names(n: int, seed: int) -> list[str]:
    """n different names of two to four characters. At most 2,000,000; deterministic for a seed."""
    random = Random(seed)
    weights = [len(_SURNAMES) - at + 20 for at in range(len(_SURNAMES))]
    seconds = ("", *_GIVEN_FIRST * 3)
    names: dict[str, None] = {}
    last = _GIVEN_LAST + tuple(a + b for a in _GIVEN_FIRST[::4] for b in _GIVEN_LAST[::3])
    while len(names) < n:
        wanted = n - len(names) + 64
        common = len(names) < n // 2
        parts = zip(
            random.choices(_SURNAMES, weights, k=wanted),
            random.choices(seconds, k=wanted),
            random.choices(_GIVEN_LAST if common else last, k=wanted),
            strict=True,
        )
        names.update(dict.fromkeys(surname + second + end for surname, second, end in parts))
    return list(names)[:n]


def mobiles(n: int, seed: int) -> list[str]:
    """n different valid mobile numbers in the ranges in use. Deterministic for a seed."""
    total = len(_MOBILE_HEADS) * 10**8
    start = Random(seed).randrange(total)
    numbers = ((start + _STEP * at) % total for at in range(n))
    return [f"{_MOBILE_HEADS[number // 10**8]}{number % 10**8:08}" for number in numbers]


def usccs(codes: list[str], seed: int, *, sole_trader: Callable[[int], bool] = lambda _: False) -> list[str]:
    """A different valid 统一社会信用代码 for each six-digit region code; 92… for a sole trader (个体), else 91…."""
    random = Random(seed)
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    made: dict[str, None] = {}
    for at, region in enumerate(codes):
        while True:
            body = "MA" + "".join(random.choices(alphabet, k=6))
            code = f"{'92' if sole_trader(at) else '91'}{region}{body}{_organisation_check(body)}"
            code += uscc_check_digit(code)
            if code not in made:
                made[code] = None
                break
    return list(made)


def _organisation_check(body: str) -> str:
    """The ninth character of the organisation code inside (GB 11714-1997)."""
    values = (int(char, 36) for char in body)
    total = sum(value * weight for value, weight in zip(values, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "0123456789X0"[11 - total % 11]
