"""A group is in use or not; a customer is in it or was."""

from neiqin.kernel.fields.field import Choice

ACTIVE, STOPPED = "active", "stopped"
STATES = (Choice(ACTIVE, "使用中", "ok", "100"), Choice(STOPPED, "已停用", "off", "x"))
IN, OUT = "in", "out"
MEMBER_STATES = (Choice(IN, "在组里", "ok", "100"), Choice(OUT, "已离开", "off", "x"))
