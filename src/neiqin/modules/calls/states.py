"""The words and states of calls and call-backs."""

from neiqin.kernel.fields.field import Choice

IN, OUT = "in", "out"
DIRECTIONS = (Choice(IN, "打进来"), Choice(OUT, "打出去"))
TOPICS = (
    Choice("ask", "咨询"), Choice("order", "订货"), Choice("press", "催货"), Choice("complaint", "投诉"),
    Choice("account", "对账"), Choice("other", "其他"),
)  # fmt: skip
MISSED, BARE, OPEN, PASSED, BACK, DONE = "missed", "bare", "open", "passed", "back", "done"
CALL_STATES = (
    Choice(MISSED, "没接到", "bad", "!"), Choice(BARE, "没有记内容", "off", "0"), Choice(OPEN, "待答复", "warn", "25"),
    Choice(PASSED, "转接中", "run", "50"), Choice(BACK, "等回电", "warn", "75"), Choice(DONE, "已答复", "ok", "100"),
)  # fmt: skip
TAKEN, NOT_TAKEN = "taken", "not_taken"
TRANSFERS = (Choice(TAKEN, "接了"), Choice(NOT_TAKEN, "没人接"))

WAITING, CALLED, VOID = "waiting", "called", "void"
BACK_STATES = (
    Choice(WAITING, "待回电", "warn", "0"), Choice(CALLED, "已回电", "ok", "100"), Choice(VOID, "不用回了", "off", "x"),
)  # fmt: skip
