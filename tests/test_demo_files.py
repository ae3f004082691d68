"""The demo company's files hold what the formats and the regulations ask, and are what the generator writes."""

import csv
import json
from collections import Counter

import pytest

from bench import demo_files
from bench.generate_names import company_names, mobiles, person_names, regions, usccs
from neiqin.kernel.fields import formats as f
from neiqin.modules.company import presets

FOLDER = demo_files.FOLDER


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def people() -> dict[str, dict]:
    return {row["staff_number"]: row for row in json.loads((FOLDER / "people.json").read_text("utf-8"))}


def test_the_generator_writes_exactly_these_files(tmp_path, monkeypatch, capsys):
    (tmp_path / "people.json").write_bytes((FOLDER / "people.json").read_bytes())
    monkeypatch.setattr(demo_files, "FOLDER", tmp_path)
    demo_files.main()
    for name in ("customers.csv", "contacts.csv", "addresses.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_customers_are_valid_and_key_ones_belong_to_managers():
    customers, staff = rows("customers"), people()
    assert len(customers) == len({row["name"] for row in customers}) == 420
    codes = [row["uscc"] for row in customers if row["uscc"]]
    assert len(codes) == len({f.uscc(code) for code in codes}) == 408
    for row in customers:
        owner = staff[row["owner"]]["position"]
        assert (row["level"] == "重点") == (owner in ("sales_manager", "sales_director")), row["name"]
        assert all(f.clean_text(value, 200) == value for value in row.values())


def test_everybody_can_be_reached():
    per_customer = Counter(row["customer"] for row in rows("contacts"))
    assert len(per_customer) == 420
    assert set(per_customer.values()) == {1, 2, 3}
    for row in rows("contacts"):
        assert row["mobile"] or row["landline"]
        for name, parse in (("mobile", f.mobile), ("landline", f.landline), ("email", f.email)):
            assert not row[name] or parse(row[name]) == row[name]


def test_people_units_and_positions_fit_together():
    staff = people()
    units = {row["code"]: row for row in json.loads((FOLDER / "units.json").read_text("utf-8"))}
    positions = {row["code"]: row for row in json.loads((presets.HERE / "positions.json").read_text("utf-8"))}
    assert len({row["login"] for row in staff.values()}) == len(staff)
    for row in staff.values():
        assert row["unit"] in units
        assert row["position"] in positions
        assert set(row["works_for"]) <= staff.keys()
    for row in units.values():
        assert row["leader"] in staff
        assert row["parent"] is None or row["parent"] in units
    for row in positions.values():
        assert 6 <= len(row["duties"]) <= 10


@pytest.mark.parametrize("make", [company_names, person_names, mobiles])
def test_generated_names_are_different_and_repeatable(make):
    assert make(3000, 5) == make(3000, 5)
    assert len(set(make(3000, 5))) == 3000
    assert make(50, 5) != make(50, 6)


def test_generated_codes_are_valid():
    for code in usccs([region.code for region in regions()], 1):
        assert f.uscc(code) == code
    for number in mobiles(2000, 3):
        assert f.mobile(number) == number
