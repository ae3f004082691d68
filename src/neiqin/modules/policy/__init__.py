"""The company's regulations, clause by clause, with the screen that carries each out."""
