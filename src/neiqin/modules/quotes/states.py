"""The states of a quote as they are kept, and the stages that people see: what a day or an open approval makes of them
is worked out whenever somebody looks."""

from neiqin.kernel.fields.field import Choice

DRAFT, SENT, ACCEPTED, REFUSED, REPLACED, VOID = "draft", "sent", "accepted", "refused", "replaced", "void"
STATES = (
    Choice(DRAFT, "草稿", "off", "0"),
    Choice(SENT, "已发送", "run", "50"),
    Choice(ACCEPTED, "已接受", "ok", "100"),
    Choice(REFUSED, "已拒绝", "bad", "x"),
    Choice(REPLACED, "已有新版本", "off", "x"),
    Choice(VOID, "已作废", "off", "x"),
)
PENDING, EXPIRED = "pending", "expired"
STAGES = (*STATES, Choice(PENDING, "审批中", "warn", "25"), Choice(EXPIRED, "已过期", "warn", "!"))
OUT = (SENT, ACCEPTED, REFUSED)  # the customer has it, and it is the last word
