"""What other modules hang on a customer goes along when it is merged into another. Parting takes the changes of the
merge back by itself, as all of them stand in its run (duplicates/merging.py)."""

from django.db import connection

from neiqin.kernel.actions.effects import Happened


def take_along(happened: Happened, table: str, unless: str = "") -> None:
    """Rows of `table` with a `customer_id` that was merged away point to the customer that stays. unless: a condition
    on t (the row) and v.into under which a row stays where it is, as there is one like it."""
    into = {gone: data["into"] for gone, data in happened.data.items() if data and "into" in data}
    keep = f"AND NOT ({unless})" if unless else ""
    with connection.cursor() as cursor:
        for pair in into.items():  # one file after the other: of two that went, both may have the like
            cursor.execute(
                f'UPDATE "{table}" t SET customer_id = v."into" '
                f'FROM (VALUES (%s::bigint, %s::bigint)) AS v (gone, "into") WHERE t.customer_id = v.gone {keep}',
                pair,
            )
