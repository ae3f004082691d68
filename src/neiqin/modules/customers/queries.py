"""What other parts ask about customers, set-wise."""

from collections.abc import Collection
from datetime import date

from django.db.models import Min

from neiqin.modules.customers.models import Address, Customer, InvoiceProfile, Licence


def lines_of(ids: Collection[int]) -> dict[int, set[str]]:
    """customer -> the kinds of optional lines of which it has at least one."""
    found: dict[int, set[str]] = {i: set() for i in ids}
    for name, model in (("addresses", Address), ("invoices", InvoiceProfile), ("licences", Licence)):
        for i in model.objects.filter(customer__in=ids).values_list("customer", flat=True).distinct():
            found[i].add(name)
    return found


def licences_until(ids: Collection[int]) -> dict[int, date | None]:
    """customer -> the day its first licence ends, None where none does."""
    rows = Customer.objects.filter(pk__in=ids).annotate(first=Min("licences__expires_on"))
    return dict(rows.values_list("pk", "first"))
