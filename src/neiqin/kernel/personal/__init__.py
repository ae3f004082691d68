"""Personal columns under per-subject keys (PIPL; ARCHITECTURE section 3; docs/decisions/0005-personal-columns.md)."""
