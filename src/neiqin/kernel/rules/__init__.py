"""Decision tables as data: versions by date, example rows, which rule decided this."""
