"""A number with its definition, its as-of moment and the rows behind it; comparison of periods."""
