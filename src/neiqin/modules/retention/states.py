"""How a customer stands by its orders, and whether the reason of a loss is known."""

from neiqin.kernel.fields.field import Choice

POTENTIAL, FIRST, ACTIVE, AT_RISK, LOST, REGAINED = "potential", "first", "active", "at_risk", "lost", "regained"
STATUSES = (
    Choice(POTENTIAL, "没有成交", "off", "0"), Choice(FIRST, "首次成交", "run", "50"),
    Choice(ACTIVE, "活跃", "ok", "100"), Choice(AT_RISK, "快流失", "warn", "25"), Choice(LOST, "已流失", "bad", "x"),
    Choice(REGAINED, "已挽回", "ok", "75"),
)  # fmt: skip
UNEXPLAINED, EXPLAINED = "unexplained", "explained"
LOSS_STATES = (Choice(UNEXPLAINED, "没有原因", "warn", "0"), Choice(EXPLAINED, "有原因", "ok", "100"))
