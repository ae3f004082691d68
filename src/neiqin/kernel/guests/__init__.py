"""Outside contacts: one identity each, and the one page on which they confirm, answer and follow."""
