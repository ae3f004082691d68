"""Rich contexts for every template, as the kernel would pass them. The preview and the tests share them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace as O

from markupsafe import Markup

NOW = datetime(2026, 11, 20, 2, 42, tzinfo=UTC)  # 10:42 in Shanghai
TODAY = date(2026, 11, 20)

LIN = O(id=1, name="林知夏", initial="夏", hue=1, position="销售内勤", unit="华东区")
ZHOU = O(id=2, name="周启明", initial="明", hue=2, position="业务员", unit="华东区")
HE = O(id=3, name="何雨桐", initial="桐", hue=3, position="业务员", unit="华东区")
SHEN = O(id=4, name="沈亦舟", initial="舟", hue=4, position="业务员", unit="华北区")
ZHENG = O(id=5, name="郑可", initial="可", hue=5, position="业务员", unit="华南区")


def _entry(label, url, icon, current=False, count=None, hot=False, sub=False, phone=False, renew=""):
    return O(
        label=label, url=url, icon=icon, current=current, count=count, hot=hot, sub=sub, phone=phone, renew=renew
    )  # fmt: skip


def shell(current="/customers/", **more):
    """What the middleware puts on the request."""
    menu = [
        O(
            label="",
            entries=[
                _entry("工作台", "/", "layout-dashboard", phone=True),
                _entry("审批", "/approvals/", "checkbox", count=5, hot=True, phone=True),
                _entry("消息", "/notices/", "bell", count=12, renew="/notices/count/"),
            ],
        ),
        O(
            label="业务",
            entries=[
                _entry("客户", "/customers/", "users", phone=True),
                _entry("公海", "/customers/pool/", "share", sub=True, count=37),
                _entry("商机与报价", "/quotations/", "target-arrow"),
                _entry("订单", "/orders/", "package", phone=True),
                _entry("合同", "/contracts/", "file-certificate"),
                _entry("到款认领", "/receipts/", "cash"),
                _entry("售后工单", "/tickets/", "headset"),
            ],
        ),
        O(
            label="管理",
            entries=[
                _entry("岗位与权限", "/people/roles/", "shield-lock"),
                _entry("操作日志", "/log/", "history"),
                _entry("制度条款", "/clauses/", "scale"),
            ],
        ),
    ]
    for section in menu:
        for entry in section.entries:
            entry.current = entry.url == current
    values = {
        "person": LIN,
        "menu": menu,
        "company": "恒川工业品",
        "nav_counts": {},
        "theme": "auto",
        "density": "normal",
        "news": [O(label="客户", url="/customers/new/", icon="user-plus", key="C")],
        "search_url": None,
        "settings_url": "/settings/",
        "letter_keys": True,
    }
    return O(**values | more)


NAMES = [
    "澄江精密机械（昆山）有限公司",
    "内蒙古鄂尔多斯市准格尔旗蒙岳煤化工装备制造有限责任公司",
    "常州市武进区嘉禾轴承经营部",
    "苏州恒昌电气成套设备有限公司",
    "杭州云栖包装材料有限公司",
    "山东鲁岳重工股份有限公司",
    "宁波甬泰注塑科技有限公司",
    "深圳市龙岗区博锐自动化设备有限公司",
    "台州黄岩精工模具厂",
    "中川讯联（合肥）智能装备有限公司",
    "无锡梁清水泵制造有限公司",
    "佛山市顺德区美晟五金制品有限公司",
    "江苏苏北新能源材料科技有限公司",
    "青岛海陆联运机电设备有限公司",
    "东莞市长安镇恒泰五金机械商行",
    "浙江嵊州越通电机有限公司",
    "黑龙江省鹤岗市萝北县云山石墨新材料股份有限公司",
]
STATES = [
    O(label="潜在", tone="off", p=0),
    O(label="跟进中", tone="run", p=25),
    O(label="成交", tone="ok", p=100),
    O(label="待核实", tone="warn", p=50),
    O(label="停用", tone="bad", p="!"),
]


def column(name, label, kind, css="", pri=0, width=None, sort="", c="", sortable=True):
    """A list column."""
    url = f"?sort={name}" if sortable else None
    return O(name=name, label=label, kind=kind, css=css, pri=pri, width=width, sort_url=url, sort_dir=sort, c=c)


COLUMNS = [
    column("number", "客户号", "code", c="id"),
    column("name", "客户名称", "text", c="name"),
    column("owner", "业务员", "person", c="who"),
    column("level", "等级", "choice"),
    column("credit", "授信额度（元）", "money", css="num", c="amt"),
    column("balance", "应收余额（元）", "money", css="num", pri=3),
    column("state", "状态", "state", c="st"),
    column("contacts", "联系人", "number", css="num", pri=3, sortable=False),
    column("mobile", "手机", "phone", pri=3, sortable=False),
    column("region", "地区", "unit", pri=3),
    column("next_on", "下次联系", "date", c="due"),
    column("updated_at", "更新", "moment", css="num", sort="desc"),
]


def rows(count=20):
    """List rows, deterministic."""
    found = []
    for i in range(count):
        number = f"KH26{1100 - i:05}"
        cells = [
            number,
            NAMES[i % len(NAMES)],
            [LIN, ZHOU, HE, SHEN, ZHENG][i % 5],
            ["A 级", "B 级", "C 级", ""][i % 4],
            Decimal("500000.00") / (i + 1),
            Decimal("94160.50") * (i % 4) - (Decimal("120000") if i == 6 else 0),
            STATES[i % 5],
            i % 7,
            f"138****{6215 + i}",
            "江苏苏州",
            TODAY + timedelta(days=i % 9 - 2) if i % 6 else None,
            NOW - timedelta(hours=7 * i),
        ]
        found.append(O(id=1100 - i, url=f"/customers/{1100 - i}/", label=number, cells=cells, muted=False))
    return found


def list_page(count=20, **more):
    """The customer list."""
    customers = rows(count)
    values = {
        "label": "客户",
        "noun": "家",
        "url": "/customers/",
        "icon": "users",
        "new": O(label="新客户", url="/customers/new/", key="N"),
        "views": [
            O(label="全部", url="?", current=True, count="1,000+", hot=False, mine=False, delete_url=None),
            O(label="我的客户", url="?view=mine", current=False, count=42, hot=False, mine=False, delete_url=None),
            O(label="该联系了", url="?view=due", current=False, count=5, hot=True, mine=False, delete_url=None),
            O(label="华东 A 级", url="?view=7", current=False, count=None, hot=False, mine=True, delete_url="/v/7/"),
        ],
        "save_view_url": "/customers/views/",
        "q": "",
        "chips": [
            O(label="建档日期", text="本月", remove_url="?a=1"),
            O(label="业务员", text="华东区 4 人", remove_url="?b=1"),
        ],
        "filters": [
            O(
                name="state",
                label="状态",
                kind="state",
                ops=[("in", "是")],
                choices=[("lead", "潜在"), ("deal", "成交")],
                picker_url=None,
            ),
            O(name="owner", label="业务员", kind="person", ops=[("is", "是")], choices=[], picker_url="/pick/person/"),
            O(
                name="credit",
                label="授信额度",
                kind="money",
                ops=[("gte", "不少于"), ("lte", "不超过")],
                choices=[],
                picker_url=None,
            ),
            O(name="created", label="建档日期", kind="date", ops=[("gte", "从")], choices=[], picker_url=None),
        ],
        "filter_url": "/customers/?view=mine&q=hc",
        "sorts": [
            O(label="最近更新", url="?sort=-updated_at", current=True),
            O(label="客户号", url="?sort=number", current=False),
        ],
        "columns": COLUMNS,
        "all_columns": [O(name=c.name, label=c.label, shown=True) for c in COLUMNS]
        + [O(name="tax", label="税号", shown=False), O(name="note", label="备注", shown=False)],
        "columns_url": "/customers/columns/",
        "rows": customers,
        "totals": {"credit": Decimal("1798874.20"), "balance": Decimal("2636494.00"), "contacts": 57},
        "count_text": "1,000+",
        "count_url": None,
        "page_text": "第 1–20 家",
        "prev_url": None,
        "next_url": "?after=20",
        "size": 20,
        "sizes": [O(n=n, url=f"?size={n}", current=n == 20) for n in (20, 50, 100, 200)],
        "actions": [
            O(
                name="assign",
                label="转业务员",
                icon="user-check",
                danger=False,
                url="/customers/do/assign/",
                key="A",
                page=False,
            ),
            O(name="tag", label="打标签", icon="flag", danger=False, url="/customers/do/tag/", key=None, page=False),
            O(name="stop", label="停用", icon="ban", danger=True, url="/customers/do/stop/", key=None, page=False),
        ],
        "tools": [O(label="导出", url="/exports/new/", icon="download", dialog=True)],
        "empty": O(title="没有符合的客户", text="去掉「业务员」能看到 12 家。", links=[O(label="去掉业务员", url="?")]),
        "error": None,
    }
    return O(**values | more)


def record_page(**more):
    """One customer."""
    contact_columns = [
        column("name", "姓名", "text", c="name", sortable=False),
        column("role", "职务", "text", c="id", sortable=False),
        column("mobile", "手机", "phone", c="amt", sortable=False),
        column("main", "主联系人", "bool", c="st", sortable=False),
    ]
    contacts = [
        O(id=1, url=None, label="钱学礼", cells=["钱学礼", "采购经理", "138****6215", True], muted=False),
        O(id=2, url=None, label="潘晓", cells=["潘晓", "设备工程师", "139****0031", False], muted=False),
    ]
    values = {
        "label": "客户",
        "list_url": "/customers/",
        "number": "KH2600088",
        "title": "苏州恒昌电气成套设备有限公司",
        "subtitle": [
            "KH2600088",
            "周启明 跟进",
            Markup('<a class="link" href="/units/3/">华东区</a>'),
            "2024年3月18日 建档",
        ],
        "state": O(label="成交", tone="ok", p=100),
        "marks": [O(label="异常", title="二级交货延迟", tone="bad")],
        "figure": O(label="应收余额，其中逾期 ¥12,400.00", value=Decimal("94160.00")),
        "notes": [
            O(
                tone="warn",
                bold="可能重复。",
                text="KH2600412 苏州恒昌电气有限公司，税号只差一位。",
                links=[O(label="对比合并", url="/customers/88/merge/")],
            )
        ],
        "steps": [
            O(label="建档", small="林知夏 03-18 09:12", status="done"),
            O(label="核实", small="税号已核", status="done"),
            O(label="成交", small="本年 12 单", status="now"),
            O(label="框架合同", small="12-31 到期", status=""),
        ],
        "facts": [
            O(
                label="统一社会信用代码",
                kind="uscc",
                value="91320506MA1XK2TC4R",
                field="uscc",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(label="等级", kind="choice", value="A 级", field="level", masked=False, reveal_url=None, section=""),
            O(label="业务员", kind="person", value=ZHOU, field="owner", masked=False, reveal_url=None, section=""),
            O(
                label="授信额度",
                kind="money",
                value=Decimal("500000"),
                field="credit",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(
                label="开票电话",
                kind="phone",
                value="0512-****6215",
                field="p",
                masked=True,
                reveal_url="/reveal/",
                section="",
            ),
            O(
                label="毛利率",
                kind="percent",
                value=Decimal("21.6"),
                field="margin",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(
                label="标签",
                kind="tags",
                value=["轴承大户", "年框"],
                field="tags",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(
                label="下次联系",
                kind="date",
                value=date(2026, 11, 25),
                field="next",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(
                label="地址",
                kind="long",
                value="苏州市吴中区木渎镇金枫南路 1118 号 B 栋",
                field="a",
                masked=False,
                reveal_url=None,
                section="",
            ),
            O(label="上级单位", kind="ref", value=None, field="parent", masked=False, reveal_url=None, section=""),
        ],
        "tabs": [
            O(id="contacts", label="联系人", count=2, columns=contact_columns, rows=contacts, empty_text="", html=None),
            O(id="orders", label="订单", count=0, columns=[], rows=[], empty_text="还没有订单。", html=None),
            O(
                id="files",
                label="附件",
                count=None,
                columns=[],
                rows=[],
                empty_text="",
                html=Markup("<p>营业执照.pdf</p>"),
            ),
        ],
        "related": [
            O(icon="package", label="DD261120-0088 订单", url="/orders/88/", end="待发货"),
            O(icon="file-certificate", label="HT-2026-0317 年度框架", url="/contracts/317/", end="2026-12-31 到期"),
        ],
        "timeline": [
            O(
                kind="say",
                icon=None,
                who="周启明",
                hue=2,
                initial="明",
                text="客户说滑块可以晚两天，26 号前一定要到。",
                at=NOW - timedelta(minutes=44),
                changes=[],
            ),
            O(
                kind="change",
                icon="edit",
                who="林知夏",
                hue=1,
                initial="夏",
                text="改了 2 项",
                at=NOW - timedelta(hours=23),
                changes=[
                    O(label="等级", before="B 级", after="A 级"),
                    O(label="下次联系", before=None, after="11-25"),
                ],
            ),
            O(
                kind="event",
                icon="user-check",
                who="许曼",
                hue=4,
                initial="曼",
                text="转给周启明",
                at=NOW - timedelta(days=2),
                changes=[],
            ),
            O(
                kind="event",
                icon="bell",
                who="",
                hue=1,
                initial="",
                text="信用代码核实通过",
                at=NOW - timedelta(days=400),
                changes=[],
            ),
        ],
        "timeline_more_url": "/customers/88/timeline/?before=4",
        "actions": [
            _action("follow", "记跟进", "message", "S", primary=True),
            _action("assign", "转业务员", "user-check", "A"),
            _action("merge", "合并", "git-merge", None),
            _action("stop", "停用", "ban", None, danger=True),
        ],
        "edit_url": "/customers/88/edit/",
        "prev_url": "/customers/87/",
        "next_url": "/customers/89/",
        "position_text": "9 / 1,000+",
        "why_url": "/customers/88/why/",
        "comment_url": "/customers/88/say/",
    }
    return O(**values | more)


def _action(name, label, icon, key, primary=False, danger=False):
    url = f"/customers/88/do/{name}/"
    return O(name=name, label=label, icon=icon, key=key, primary=primary, danger=danger, url=url, dialog=True)


def form_field(name, label, kind="text", value="", **more):
    """A form field."""
    values = {
        "name": name,
        "label": label,
        "kind": kind,
        "value": value,
        "display": None,
        "choices": [],
        "required": False,
        "help": None,
        "error": None,
        "span": 1,
        "fold": False,
        "readonly": False,
        "picker_url": None,
        "maxlength": None,
        "inputmode": None,
        "autocomplete": None,
    }
    return O(**values | more)


def form_page(**more):
    """The customer form."""
    columns = [
        form_field("name", "姓名", required=True),
        form_field("role", "职务"),
        form_field("mobile", "手机", "phone"),
        form_field("main", "主联系人", "bool"),
    ]
    people = [("钱学礼", "采购经理", "13800006215", "on"), ("潘晓", "设备工程师", "1390000", "")]
    lines = [
        O(
            key=i,
            id=i + 1,
            delete=False,
            fields=[
                form_field(f"contacts-{i}-{column.name}", column.label, column.kind, value, required=column.required)
                for column, value in zip(columns, person, strict=True)
            ],
        )
        for i, person in enumerate(people)
    ]
    lines[1].fields[2].error = "手机号是 11 位，现在 7 位"
    values = {
        "label": "客户",
        "title": "改客户",
        "url": "/customers/88/edit/",
        "cancel_url": "/customers/88/",
        "submit_label": "保存客户",
        "version": 7,
        "request_key": "0193-abc",
        "draft_url": "/customers/88/draft/",
        "draft": O(saved_at=NOW, discard_url="/customers/88/draft/discard/"),
        "errors": [
            O(field="uscc", label="信用代码", message="第 17 位应当是 4，核对营业执照"),
            O(field="contacts-1-mobile", label="第 2 行手机", message="手机号是 11 位，现在 7 位"),
        ],
        "sections": [
            O(
                label="基本",
                fields=[
                    form_field(
                        "name", "客户名称", value="苏州恒昌电气成套设备有限公司", required=True, span=2, maxlength=80
                    ),
                    form_field(
                        "uscc", "信用代码", "uscc", "91320506MA1XK2TC5R", error="第 17 位应当是 4，核对营业执照"
                    ),
                    form_field("number", "客户号", "code", "KH2600088", readonly=True),
                    form_field("level", "等级", "choice", "a", choices=[("a", "A 级"), ("b", "B 级")]),
                    form_field(
                        "owner", "业务员", "person", "2", display="周启明", picker_url="/pick/person/", required=True
                    ),
                    form_field(
                        "credit", "授信额度（元）", "money", "500000.00", inputmode="decimal", help="超过 50 万要总监批"
                    ),
                    form_field("next_on", "下次联系", "date", "2026-11-25"),
                    form_field("active", "可下单", "bool", "on"),
                ],
            ),
            O(
                label="联系",
                fields=[
                    form_field("address", "地址", value="苏州市吴中区木渎镇金枫南路 1118 号", span=3),
                    form_field("email", "开票邮箱", "email", "ap@hengchang.example"),
                    form_field("note", "备注", "long", "", span=4),
                ],
            ),
        ],
        "lines": [
            O(
                name="contacts",
                label="联系人",
                check="",
                add_label="加一个联系人",
                columns=columns,
                rows=lines,
                min=1,
                paste="name:name",
            )
        ],
        "nearby_url": "/customers/nearby/",
        "nearby_seen": "",
        "above": [],
        "beside": [],
        "rows": [],
        "asked": "name uscc",
        "warned": [],
        "confirmed": "",
        "conflict": O(
            who="何雨桐",
            at=NOW - timedelta(minutes=3),
            fields=[O(name="level", label="等级", base="B 级", theirs="C 级", mine="A 级")],
        ),
    }
    return O(**values | more)


WARNED = [
    O(
        field="credit_limit",
        message="「信用额度」9,000,000.00 是上次 250,000.00 的 36 倍。核对无误再保存（《数据校验》第 1 版第 4 行）。",
    )
]


def action_page(**more):
    """The dialog that hands customers to another salesperson."""
    values = {
        "label": "转业务员",
        "verb": "转",
        "records": [O(label=f"KH26000{n}", url=f"/customers/{n}/") for n in (88, 87, 86)],
        "count": 3,
        "fields": [
            form_field("to", "转给", "person", "3", display="何雨桐", picker_url="/pick/person/", required=True),
            form_field("reason", "原因", "long", "", help="写进动态，客户看不到"),
        ],
        "url": "/customers/do/assign/",
        "request_key": "0193-def",
        "danger": False,
        "submit_label": "转 3 家客户",
        "preview": O(
            summary=["3 家客户转给何雨桐，原业务员各收到一条通知。"],
            changes=[O(record="KH2600088", label="业务员", before="周启明", after="何雨桐")],
        ),
        "preview_url": "/customers/do/assign/preview/",
        "confirm": "",
        "results": None,
        "errors": [],
    }
    return O(**values | more)


RESULTS = [
    O(label="KH2600088", url="/customers/88/", ok=True, message=""),
    O(label="KH2600087", url="/customers/87/", ok=False, message="已停用的客户不能转，先恢复。"),
]


def home_page(**more):
    """The workbench."""
    values = {
        "greeting": "上午好，知夏",
        "sentence": [
            "11月20日周五。",
            Markup('<a class="link" href="#todo-h">3 件待办</a>里有 <b class="t-bad">1 件已超时</b>。'),
        ],
        "duties": [
            O(title="销售内勤岗位职责", version=3, published=date(2026, 11, 16), url="/duties/1/", signed=False),
            O(title="信息保密约定", version=1, published=date(2025, 6, 1), url="/duties/2/", signed=True),
        ],
        "todo": [
            O(
                icon="file-invoice",
                title="江苏苏北新能源的发票退回，税号少一位",
                meta="10:05 退回 · 财务 顾南",
                end="超 37 分钟",
                tone="bad",
                url="/t/1/",
            ),
            O(
                icon="phone",
                title="回电澄江精密潘工，问 7208AC 交期",
                meta="KH2600093",
                end="剩 2 小时",
                tone="warn",
                url="/t/2/",
            ),
            O(icon="users", title="核实 4 家新客户的信用代码", meta="本周建档", end="今天", tone="", url="/t/3/"),
        ],
        "figures": [
            O(label="我的客户", shown="42 家", url="/customers/?view=mine", about="负责人是我的客户。截至 11-20 10:00"),
            O(label="本月新增", shown="9 家", url="/customers/?new=1", about="本月建档的客户。截至 11-20 10:00"),
            O(
                label="30 天没联系",
                shown="6 家",
                url="/customers/?cold=1",
                about="30 天没有跟进的客户。截至 11-20 10:00",
            ),
        ],
        "recent": [
            O(label="苏州恒昌电气成套设备有限公司", url="/customers/88/", icon="users", at=NOW - timedelta(minutes=11)),
            O(label="山东鲁岳重工股份有限公司", url="/customers/81/", icon="users", at=NOW - timedelta(hours=18)),
        ],
    }
    values |= {
        "quicks": [
            O(word="跟进", example="跟进 cjjm 要样品 周三"),
            O(word="新客户", example="新客户 公司名 联系人 手机"),
        ],
        "queues": [
            O(label="该跟进", value=5, url="/customers/?due=1", about="今天该跟进的客户", figure=O(good=False)),
            O(label="快回公海", value=2, url="/customers/?soon=1", about="快回公海的客户", figure=O(good=None)),
        ],
        "closing": 2,
    }
    found = values | more
    urgencies = {"overdue": ("已超时", "bad"), "today": ("今天", "warn"), "later": ("之后", "")}
    found["groups"] = [
        O(name=name, label=label, items=items)
        for name, (label, tone) in urgencies.items()
        if (items := [t for t in found["todo"] if t.tone == tone])
    ]
    return O(**found)


def why_page():
    """Who can see a customer."""
    return O(
        sentences=[
            O(person=ZHOU, sentences=["是这家客户的业务员。"]),
            O(person=HE, sentences=["华东区主管，能看本区的客户。", "代理周启明到 11-24。"]),
            O(person="系统管理员 2 人", sentences=["能看全部。"]),
        ]
    )


def log_page(**more):
    """The audit log."""
    changes = [
        O(table="customers", record="KH2600088", label="等级", before="B 级", after="A 级"),
        O(table="customers", record="KH2600088", label="下次联系", before=None, after="2026-11-25"),
    ]
    log_rows = [
        O(
            id=90 - i,
            at=NOW - timedelta(hours=3 * i),
            who=["林知夏", "周启明", None][i % 3],
            action="customers.update",
            label=["改客户", "登录", "夜间核对"][i % 3],
            source=["网页", "网页", "任务"][i % 3],
            ip="10.2.0.17" if i % 3 < 2 else None,
            objects="KH2600088 苏州恒昌电气成套设备有限公司" if i % 3 == 0 else "",
            changes=changes if i % 3 == 0 else [],
            more=i == 3,
        )
        for i in range(24)
    ]
    fields = [
        form_field("q", "对象或编号"),
        form_field("who", "操作人", "person", picker_url="/pick/person/"),
        form_field("action", "动作", "choice", choices=[("update", "改客户"), ("login", "登录")]),
        form_field("since", "从", "date", "2026-11-01"),
        form_field("until", "到", "date", "2026-11-20"),
    ]
    seal = O(number=1204, at=NOW - timedelta(seconds=8), unsealed="3", late=False, minutes=0)
    values = {
        "url": "/log/",
        "fields": fields,
        "rows": log_rows,
        "prev_url": None,
        "next_url": "?before=66",
        "seal": seal,
        "single": False,
    }
    return O(**values | more)


def matrix_page(**more):
    """Roles by permissions."""
    people = [(1, "销售内勤", 6), (2, "业务员", 14), (3, "销售总监", 1)]
    roles = [O(id=n, name=name, people=count, url=f"/people/role/{n}/") for n, name, count in people]
    scopes = [("own", "本人"), ("unit", "本部门"), ("tree", "本部门及下级"), ("all", "全部")]

    def permission(codename, label, scoped, *values, note=""):
        cells = [O(role_id=role.id, role=role.name, value=value) for role, value in zip(roles, values, strict=True)]
        return O(codename=codename, label=label, help=note, scoped=scoped, cells=cells)

    groups = [
        O(
            label="客户",
            permissions=[
                permission("customers.view", "看客户", True, "tree", "own", "all"),
                permission("customers.change", "改客户", True, "unit", "own", "all"),
                permission("customers.reveal", "看完整手机号", False, "", "all", "all", note="每次记录在案"),
            ],
        ),
        O(label="系统", permissions=[permission("people.roles", "改角色", False, "", "", "all")]),
    ]
    values = {
        "title": "岗位与权限",
        "url": "/people/roles/matrix/",
        "request_key": "0193-ghi",
        "editable": True,
        "problem": "",
        "new_url": "/people/role/new/",
        "roles": roles,
        "groups": groups,
        "scopes": scopes,
    }
    return O(**values | more)


def error_page(**more):
    """The page of a failure."""
    values = {
        "title": "出错了",
        "what": "没有办成，也没有办一半。",
        "why": "系统内部出错，已经记下。",
        "now": "再试一次；还不行，把错误编号告诉系统管理员。",
        "number": "9f3a01bc",
        "links": [O(label="回工作台", url="/")],
    }
    return O(**values | more)


class Bound:
    """Enough of a bound form field for the login pages."""

    def __init__(self, name, value="", errors=()):
        self.html_name, self.id_for_label, self.errors, self._value = name, f"id_{name}", list(errors), value

    def value(self):
        """What the field shows."""
        return self._value


class Form(dict):
    """Enough of a form: fields by name, errors of the whole."""

    secret = "JBSWY3DPEHPK3PXP"

    def __init__(self, *fields, errors=()):
        super().__init__({field.html_name: field for field in fields})
        self.fields, self.errors = dict(self), list(errors)

    def non_field_errors(self):
        """Errors that belong to no field."""
        return self.errors


QR = (
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgi"
    "PjxwYXRoIGQ9Ik0wIDBoM3YzSDB6TTUgMGgzdjNINXpNMCA1aDN2M0gwek00IDRoMXYxSDR6TTYgNWgxdjJINnoiLz48L3N2Zz4="
)
CODE = Form(Bound("code"))


def pages():
    """Every page by its name: (template, context, current menu entry)."""
    login = Form(Bound("login", "linzhixia"), Bound("password"))
    wrong = Form(
        Bound("login", "linzhixia"), Bound("password"), errors=["账号或密码不对。还可以再试 3 次，之后锁定 30 分钟。"]
    )
    passwords = Form(Bound("oldpassword"), Bound("password1", errors=["太短，至少 10 位。"]), Bound("password2"))
    codes = [f"{n:08}" for n in range(13571113, 13571123)]
    return {
        "list": ("list.html", {"page": list_page(50)}, "/customers/"),
        "list-empty": ("list.html", {"page": list_page(0, rows=[], totals=None)}, "/customers/"),
        "list-error": (
            "list.html",
            {"page": list_page(0, rows=[], error="查得太久，停下了。加一个条件再查。")},
            "/customers/",
        ),
        "record": ("record.html", {"page": record_page()}, "/customers/"),
        "record-bare": (
            "record.html",
            {
                "page": record_page(
                    state=None,
                    figure=None,
                    notes=[],
                    steps=[],
                    tabs=[],
                    related=[],
                    timeline=[],
                    actions=[],
                    timeline_more_url=None,
                    edit_url=None,
                    prev_url=None,
                    next_url=None,
                    position_text="",
                    why_url=None,
                    comment_url=None,
                    subtitle=[],
                )
            },
            "/customers/",
        ),
        "form": ("form.html", {"page": form_page()}, "/customers/"),
        "form-edit": ("form.html", {"page": form_page(draft=None, errors=[], conflict=None)}, "/customers/"),
        "form-new": (
            "form.html",
            {"page": form_page(title="新客户", version=None, draft=None, errors=[], conflict=None)},
            "/customers/",
        ),
        "form-warned": (
            "form.html",
            {
                "page": form_page(
                    draft=None, errors=[], conflict=None, warned=WARNED, confirmed="credit_limit:times:9000000"
                )
            },
            "/customers/",
        ),
        "action": ("action.html", {"page": action_page()}, "/customers/"),
        "action-warned": ("action.html", {"page": action_page(confirm="credit_limit:times:9000000")}, "/customers/"),
        "action-results": ("action.html", {"page": action_page(results=RESULTS)}, "/customers/"),
        "home": ("home.html", {"page": home_page()}, "/"),
        "home-done": ("home.html", {"page": home_page(duties=[], todo=[], figures=[], recent=[])}, "/"),
        "log": ("log.html", {"page": log_page()}, "/log/"),
        "matrix": ("matrix.html", {"page": matrix_page()}, "/people/roles/"),
        "matrix-read": ("matrix.html", {"page": matrix_page(editable=False)}, "/people/roles/"),
        "why": ("why.html", {"page": why_page()}, "/customers/"),
        "login": ("account/login.html", {"form": login}, ""),
        "login-wrong": ("account/login.html", {"form": wrong}, ""),
        "logout": ("account/logout.html", {}, ""),
        "password": ("account/password_change.html", {"form": passwords}, ""),
        "reauthenticate": ("account/reauthenticate.html", {"form": Form(Bound("password"))}, ""),
        "inactive": ("account/account_inactive.html", {}, ""),
        "lockout": ("account/lockout.html", {"page": O(until=NOW + timedelta(minutes=30), attempts=5)}, ""),
        "code": ("mfa/authenticate.html", {"form": CODE}, ""),
        "code-reauthenticate": ("mfa/reauthenticate.html", {"form": CODE}, ""),
        "codes": ("mfa/index.html", {"authenticators": {}}, ""),
        "codes-on": ("mfa/index.html", {"authenticators": {"totp": object()}}, ""),
        "codes-activate": ("mfa/totp/activate_form.html", {"form": CODE, "totp_svg_data_uri": QR}, ""),
        "codes-deactivate": ("mfa/totp/deactivate_form.html", {"form": CODE}, ""),
        "recovery": (
            "mfa/recovery_codes/index.html",
            {
                "unused_codes": codes,
                "total_count": 10,
                "can_view_codes": True,
                "can_download_codes": True,
                "can_generate_codes": True,
            },
            "",
        ),
        "recovery-new": ("mfa/recovery_codes/generate.html", {"form": CODE, "unused_code_count": 8}, ""),
        "error": ("error.html", {"page": error_page()}, ""),
    }
