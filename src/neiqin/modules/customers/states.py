"""States of a customer file, and their look. What may follow what is written on the actions."""

from neiqin.kernel.fields.field import Choice

ACTIVE = "active"
INACTIVE = "inactive"

STATES = (Choice(ACTIVE, "在用", "ok", "100"), Choice(INACTIVE, "停用", "off", "x"))
