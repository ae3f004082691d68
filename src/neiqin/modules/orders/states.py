"""The few states of orders and deliveries; 发货, overdue and hold are computed."""

from neiqin.kernel.fields.field import Choice

DRAFT, SUBMITTED, APPROVED, EXECUTING, CLOSED, VOID = "draft", "submitted", "approved", "executing", "closed", "void"
STATES = (
    Choice(DRAFT, "草稿", "off", "0"),
    Choice(SUBMITTED, "待审", "warn", "25"),
    Choice(APPROVED, "已审", "run", "50"),
    Choice(EXECUTING, "执行中", "run", "75"),
    Choice(CLOSED, "已关闭", "ok", "100"),
    Choice(VOID, "已作废", "off", "x"),
)
ALIVE = (APPROVED, EXECUTING)  # counts as a promise to deliver
IN_FORCE = (*ALIVE, CLOSED)
DELIVERING = (EXECUTING, CLOSED)  # something has gone out
ASKED, TAKEN, BLOCKED, DONE = "asked", "taken", "blocked", "done"
PART_STATES = (
    Choice(ASKED, "待接收", "warn", "0"), Choice(TAKEN, "进行中", "run", "50"), Choice(BLOCKED, "受阻", "bad", "!"),
    Choice(DONE, "完成", "ok", "100"), Choice(VOID, "已取消", "off", "x"),
)  # fmt: skip
PROPOSED, TAKEN_UP, LEFT = "proposed", "taken", "left"
PROPOSAL_STATES = (
    Choice(PROPOSED, "待定", "warn", "0"),
    Choice(TAKEN_UP, "已采纳", "ok", "100"),
    Choice(LEFT, "没有采纳", "off", "x"),
)  # fmt: skip
BOOKED = "booked"
BOOKING_STATES = (Choice(BOOKED, "有效", "ok", "100"), Choice(VOID, "已作废", "off", "x"))
WAITING, SENT, DROPPED = "waiting", "sent", "dropped"
NEWS_STATES = (
    Choice(WAITING, "待发", "warn", "0"), Choice(SENT, "已发", "ok", "100"), Choice(DROPPED, "不用发", "off", "x"),
)  # fmt: skip
SHIPPED, SIGNED = "shipped", "signed"
DELIVERY_STATES = (
    Choice(SHIPPED, "运输中", "run", "50"), Choice(SIGNED, "已签收", "ok", "100"), Choice(VOID, "已作废", "off", "x"),
)  # fmt: skip
WAITS, RENEWED, KEPT = "waits", "renewed", "kept"
RENEWAL_STATES = (
    Choice(WAITS, "等更新", "warn", "0"), Choice(RENEWED, "已采用", "ok", "100"), Choice(KEPT, "保持原样", "off", "x"),
)  # fmt: skip
