"""A plain object as a newcomer adds one by docs/adding-an-object.md: five files, under sixty lines."""
