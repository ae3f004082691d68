"""Actions on records: checked, atomic, recorded. See docs/architecture.md."""
