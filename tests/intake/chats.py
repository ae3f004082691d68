"""Fifty orders as people write them in chats, what each of them means, and how much of it is understood."""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from neiqin.modules.intake import matching
from neiqin.modules.intake.reading import Reading, read

TODAY = date(2026, 11, 26)  # a Thursday
CATALOG = Path(__file__).parents[2] / "src/neiqin/demo/catalog.json"
BOUGHT = ("ZC-6204", "QD-PU8", "MF-LJ2")


@dataclass
class Chat:
    """A message, the things wanted (code, quantity, unit, gift) and what else it says."""

    text: str
    wanted: list[tuple[str, str, str, bool]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)


def chats() -> list[Chat]:
    """All of them, in the file's order."""
    lines = [x for x in (Path(__file__).parent / "chats.txt").read_text("utf-8").split("\n") if not x.startswith("# ")]
    return [_chat(block.strip("\n").split("\n")) for block in "\n".join(lines).split("\n----\n")]


def _chat(lines: list[str]) -> Chat:
    keys = ("required", "consignee", "phone", "region")
    start = next(n for n, x in enumerate(lines) if x.startswith("=> ") or x == "again")
    found = Chat("\n".join(lines[:start]))
    for line in lines[start:]:
        if line.startswith("=> "):
            code, count, unit, *more = line[3:].split()
            found.wanted.append((code, count, "" if unit == "-" else unit, more == ["gift"]))
        else:
            name, _, value = line.partition(" ")
            assert name in (*keys, "again"), line
            found.said[name] = value
    return found


def products() -> list[dict[str, str]]:
    """The demo's products: code, name, spec, unit_name."""
    rows = json.loads(CATALOG.read_text("utf-8"))["products"]
    return [{"code": r[0], "name": r[1], "spec": r[2], "unit_name": r[4]} for r in rows]


def understood(chat: Chat, customer) -> tuple[Reading, list[matching.Match]]:
    reading = read(chat.text, TODAY)
    return reading, matching.match(reading.items, customer)


def right(chat: Chat, reading: Reading, matches: list[matching.Match]) -> list[bool]:
    """For each thing wanted: is there a line with this product, quantity, unit and gift mark?"""
    got = [(m.product.code if m.product else "", f"{m.item.quantity}", m.item.unit, m.item.gift) for m in matches]
    return [one in got for one in chat.wanted]


def whole(chat: Chat, reading: Reading, matches: list[matching.Match]) -> bool:
    """Nothing missing, nothing too much, day and address as meant."""
    said = {"required": reading.required_on and reading.required_on.isoformat(), "consignee": reading.consignee,
            "phone": reading.phone, "region": reading.region, "again": "" if reading.again else None}  # fmt: skip
    return (all(right(chat, reading, matches)) and len(matches) == len(chat.wanted)
            and all(said[k] == v for k, v in chat.said.items()))  # fmt: skip
