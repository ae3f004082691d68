"""Writes the demo company's customers.csv, contacts.csv and addresses.csv. The same files every time.

    python -m bench.demo_files

People, units and positions are written by hand in the same folder. What holds in the data: key customers (重点) belong
to a manager or the director (C-CUS-11); customers belong to the area of their owner; every code and number is valid.
"""

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

from bench.generate_names import Region, companies, mobiles, name_parts, person_names, regions, usccs
from neiqin.kernel.fields.formats import initials, pinyin_key

FOLDER = Path(__file__).resolve().parent.parent / "src/neiqin/demo"
CUSTOMERS, WITHOUT_USCC, KEY, INACTIVE = 420, 12, 28, 11
Row = dict[str, Any]

# Customers that appear by name in the demo's orders and documents: name, short name, district code, owner.
KNOWN = [
    ("澄江精密机械（昆山）有限公司", "澄江精密", "320583", "周启明"),
    ("苏州恒昌电气成套设备有限公司", "恒昌电气", "320505", "周启明"),
    ("无锡梁清水泵制造有限公司", "梁清水泵", "320213", "何雨桐"),
    ("常州市武进区嘉禾轴承经营部", "嘉禾轴承", "320412", "何雨桐"),
    ("杭州云栖包装材料有限公司", "云栖包装", "330106", "郑可"),
    ("宁波甬泰注塑科技有限公司", "甬泰注塑", "330206", "苏念慈"),
    ("温州瓯海阀门配件厂", "瓯海阀门", "330304", "苏念慈"),
    ("台州黄岩精工模具厂", "黄岩精工", "331003", "唐嘉树"),
    ("芜湖长弋机械配件厂", "长弋机械", "340202", "姚思远"),
    ("马鞍山雨山机电经营部", "雨山机电", "340504", "姚思远"),
    ("滁州天长仪表城永兴仪器仪表经营部", "永兴仪表", "341102", "唐嘉树"),
    ("中川讯联（合肥）智能装备有限公司", "中川讯联", "340104", "何雨桐"),
    ("青岛海陆联运机电设备有限公司", "海陆联运", "370202", "周启明"),
    ("东莞市长安镇恒泰五金机械商行", "恒泰五金", "441900", "梁晓岚"),
    ("佛山市顺德区美晟五金制品有限公司", "美晟五金", "440606", "邓家辉"),
    ("深圳市龙岗区博锐自动化设备有限公司", "博锐自动化", "440307", "莫文渊"),
    ("河北邯北冶金备件有限公司", "邯北冶金", "130402", "沈亦舟"),
]
SOURCES = (
    "客户推荐", "客户推荐", "客户推荐", "行业展会", "行业展会", "网络搜索", "网络搜索",
    "网络渠道", "电话", "市场调研", "社交媒体", "邮件", "商务洽谈",
)  # fmt: skip
INDUSTRIES = [
    ("经营部 商行 门市部 机电行 批发部 贸易 供应链 实业 工业品", "工业品流通"),
    ("泵业 水泵 阀门", "泵阀"),
    ("五金 紧固件 标准件 工具 刃具 模具 劳保", "五金模具"),
    ("仪器 仪表 检测", "仪器仪表"),
    ("起重 输送 工程机械 物流", "起重输送"),
    ("汽车", "汽车零部件"),
    ("轨道 船舶 航空", "交通装备"),
    ("冶金 铸造 锻造 钢结构 矿山", "冶金矿山"),
    ("橡 塑", "橡塑"),
    ("包装 印刷", "包装印刷"),
    ("食品 制药", "食品医药设备"),
    ("环保 水务 水处理 节能", "环保水务"),
    ("新能源 新材料 复合材料", "新能源新材料"),
    ("半导体 电子 光电 激光", "电子半导体"),
    ("自动化 机器人 智能 数控 机床", "自动化与机床"),
    ("电", "电气电机"),
]
SCOPES = {
    "工业品流通": "轴承、密封件、五金工具、电动工具、劳保用品的批发与零售",
    "泵阀": "水泵、化工泵、阀门及配件的制造、销售、维修",
    "汽车零部件": "汽车底盘件、传动件、冲压件的开发与制造",
    "交通装备": "交通运输设备及其零部件的制造、检修",
    "冶金矿山": "冶金备件、铸锻件、钢结构的加工与销售",
    "橡塑": "橡胶制品、塑料制品、注塑件的生产与销售",
    "包装印刷": "包装材料、包装机械、印刷设备的生产与销售",
    "食品医药设备": "食品机械、制药设备的设计、制造、安装",
    "环保水务": "水处理设备、除尘设备的制造，环保工程施工",
    "新能源新材料": "新能源材料、复合材料的研发与生产",
    "电子半导体": "电子元器件、半导体设备及部件的研发与制造",
    "自动化与机床": "自动化生产线、数控机床、非标设备的设计与制造",
    "电气电机": "电机、电气成套设备、开关柜的制造与销售",
    "五金模具": "五金制品、紧固件、刀具、模具的加工与销售",
    "仪器仪表": "仪器仪表、检测设备的制造、销售与校准",
    "起重输送": "起重机、输送机、工程机械的制造、安装、维修",
    "通用机械": "通用机械、传动设备及配件的制造与销售",
}
WISHES = (
    "深沟球轴承 6204-2RS", "深沟球轴承 6308", "圆锥滚子轴承 30208", "调心滚子轴承 22215", "推力球轴承 51110",
    "骨架油封 TC 40×62×8", "O 型圈 丁腈 50×3.5", "机械密封 M7N-35", "伺服电机 750W", "伺服电机 1.5kW",
    "行星减速机 PLF90", "直线导轨 HGH20", "梅花联轴器 55×66", "三角带 SPB2000", "气缸 SC63×100", "润滑脂 2 号锂基",
)  # fmt: skip
TITLES = ("采购经理", "采购员", "采购主管", "设备科长", "仓库主管", "技术部经理", "生产部长", "会计", "总经理")
BOSS = ("总经理", "老板", "店长")


def main() -> None:
    """Write the three files."""
    random = Random(20261122)
    customers = _customers(random)
    contacts, addresses = _contacts(customers, random), _addresses(customers, random)
    for row in customers:
        del row["area"], row["dialing"]
    for name, rows in (("customers", customers), ("contacts", contacts), ("addresses", addresses)):
        with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{name}.csv: {len(rows)} rows")


def _customers(random: Random) -> list[Row]:
    by_code = {region.code: region for region in regions()}
    people = {row["name"]: row["staff_number"] for row in _people()}
    named = [(name, short, by_code[code], people[owner]) for name, short, code, owner in KNOWN]
    made = [(name, short, regions()[at], "") for name, short, at in companies(CUSTOMERS - len(KNOWN), seed=2026)]
    ages = sorted((int(700 * random.random() ** 1.3) for _ in range(CUSTOMERS)), reverse=True)
    everyone = named + made
    random.shuffle(everyone)
    known = {name for name, *_ in KNOWN}
    levels = _levels([name in known for name, *_ in everyone], random)
    codes = usccs([region.code for *_, region, _ in everyone], 2026, sole_trader=lambda at: _is_shop(everyone[at][0]))
    rows = []
    for at, ((name, short, region, owner), age) in enumerate(zip(everyone, ages, strict=True)):
        level = levels[at]
        rows.append(
            {
                "number": f"KH{at + 1:06}",
                "name": name,
                "short_name": short,
                "uscc": codes[at],
                "type": _type(name, random),
                "industry": _industry(name),
                "source": random.choice(SOURCES),
                "level": level,
                "province": region.province,
                "city": region.city,
                "district": region.district,
                "address": _street(region, random),
                "business_scope": SCOPES[_industry(name)],
                "purchase_intention": _wish(level, random),
                "owner": owner or _owner(region.area, level, random),
                "days_ago_created": age,
                **_terms(level, random),
                "active": 1,
                "area": region.area,
                "dialing": region.dialing,
            }
        )
    potential = [row for row in rows if row["level"] == "潜在"]
    for row in random.sample(potential, WITHOUT_USCC):
        row["uscc"] = ""
    for row in random.sample([row for row in rows if row["level"] != "重点" and row["name"] not in known], INACTIVE):
        row["active"] = 0
    return rows


def _people() -> list[Row]:
    return json.loads((FOLDER / "people.json").read_text("utf-8"))


def _levels(known: list[bool], random: Random) -> list[str]:
    """28 key, some 250 general, the rest potential; the named ones are general, since they order and reps own them."""
    levels = ["一般" if is_known or random.random() < 0.62 else "潜在" for is_known in known]
    for at in random.sample([at for at, is_known in enumerate(known) if not is_known], KEY):
        levels[at] = "重点"
    return levels


def _owner(area: str, level: str, random: Random) -> str:
    people = _people()
    if level == "重点":
        director, east, others = (row["staff_number"] for row in people[1:4])
        return random.choice((director, *((east,) * 4 if area == "华东" else (others,) * 4)))
    unit = {"华东": "XS-HD", "华南": "XS-HN", "华北": "XS-HB"}[area]
    team = [row["staff_number"] for row in people if row["unit"] == unit]
    return random.choice(team[1:] * 3 + team[:1])


def _terms(level: str, random: Random) -> Row:
    if level == "潜在" or (level == "一般" and random.random() < 0.2):
        return {"credit_limit": "0.00", "credit_days": 0, "statement_day": ""}
    if level == "重点":
        limit, days = random.randrange(100, 501, 50), random.choice((60, 60, 90))
    else:
        limit, days = random.randrange(5, 51, 5), random.choice((30, 30, 45, 60))
    return {
        "credit_limit": f"{limit * 10_000}.00",
        "credit_days": days,
        "statement_day": random.choice((5, 10, 20, 25, 28)),
    }


def _wish(level: str, random: Random) -> str:
    goods = "、".join(random.sample(WISHES, random.choice((1, 2, 2, 3))))
    if level == "潜在":
        return random.choice((f"询过{goods}，还在用别家", f"想试样：{goods}", f"{goods}，等新项目定下来再谈"))
    return random.choice((f"每月固定采购：{goods}", f"按项目采购：{goods}", f"季度集中采购：{goods}", goods))


def _industry(name: str) -> str:
    return next((label for words, label in INDUSTRIES if any(word in name for word in words.split())), "通用机械")


def _type(name: str, random: Random) -> str:
    return random.choice(("经销商",) * 5 + ("电商",)) if _industry(name) == "工业品流通" else "终端"


def _is_shop(name: str) -> bool:
    return name.endswith(("部", "行", "厂"))


def _street(region: Region, random: Random) -> str:
    district = "" if region.district == region.city else region.district
    road = random.choice(name_parts()["roads"]) + random.choice(("路", "路", "路", "大道", "街"))
    building = random.choice(
        ("", "", f" {random.randint(1, 12)} 幢", f" {random.randint(1, 6)} 号楼 {random.randint(2, 9)} 层")
    )
    province = "" if region.province == region.city else region.province
    return f"{province}{region.city}{district}{road} {random.randint(1, 999)} 号{building}"


def _contacts(customers: list[Row], random: Random) -> list[Row]:
    counts = [3 if row["level"] == "重点" else random.choice((1, 1, 2, 2, 3)) for row in customers]
    names, numbers = iter(person_names(sum(counts), 7)), iter(mobiles(sum(counts), 7))
    rows = []
    for customer, count in zip(customers, counts, strict=True):
        boss = random.choice(BOSS) if _is_shop(customer["name"]) else random.choice(TITLES)
        titles = [boss, *random.sample([title for title in TITLES if title != boss], count - 1)]
        domain = f"{pinyin_key(customer['short_name']).replace(' ', '')[:20]}.example"
        for at, title in enumerate(titles):
            name, mobile = next(names), next(numbers)
            landline = _landline(customer["dialing"], random) if random.random() < 0.3 else ""
            rows.append(
                {
                    "customer": customer["number"],
                    "name": name,
                    "title": title,
                    "mobile": "" if landline and random.random() < 0.25 else mobile,
                    "landline": landline,
                    "email": f"{initials(name, person=True)}@{domain}" if random.random() < 0.35 else "",
                    "wechat": random.choice(("", mobile, f"{initials(name, person=True)}{mobile[-4:]}"))
                    if at == 0
                    else "",
                    "is_decision_maker": int(title in ("总经理", "老板", "采购经理")),
                }
            )
    return rows


def _landline(code: str, random: Random) -> str:
    number = f"{random.randint(2, 8)}{random.randrange(10**7):07}"
    extension = f"-{random.randint(8001, 8099)}" if random.random() < 0.2 else ""
    return f"{code}-{number}{extension}"


def _addresses(customers: list[Row], random: Random) -> list[Row]:
    rows = []
    by_area = {area: [region for region in regions() if region.area == area] for area in ("华东", "华南", "华北")}
    wanted = [0 if row["level"] == "潜在" else random.choice((0, 1, 1, 2)) for row in customers]
    receivers, numbers = iter(person_names(sum(wanted), 11)), iter(mobiles(sum(wanted), 11))
    for customer, count in zip(customers, wanted, strict=True):
        for at in range(count):
            near = [r for r in by_area[customer["area"]] if r.city == customer["city"]]
            region = random.choice(near if at == 0 else by_area[customer["area"]])
            place = random.choice(("东门仓库", "原料库", "生产车间", "备件库", "项目部", "收货平台"))
            rows.append(
                {
                    "customer": customer["number"],
                    "receiver": next(receivers),
                    "mobile": next(numbers),
                    "province": region.province,
                    "city": region.city,
                    "district": region.district,
                    "address": f"{_street(region, random)}（{place}）",
                    "is_default": int(at == 0),
                }
            )
    return rows


if __name__ == "__main__":
    main()
