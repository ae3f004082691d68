"""People of the demo company lent to a job: one who helps, one who is asked for."""

from datetime import timedelta

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login, Unit
from neiqin.modules.helpers import actions
from neiqin.modules.helpers.models import Loan
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE


def lend() -> None:
    """Marketing helps with what waits for audit in the south; the warehouse is asked for somebody for a large order."""
    people = dict(Login.objects.values_list("username", "person_id"))
    chief, today = actor_of(people["fangjingyi"]), clock.today()
    large = Order.objects.filter(state__in=ALIVE).order_by("-amount", "pk").values_list("pk", flat=True).first()
    rows = [
        {"helper": people["duheng"], "work": "look", "of_unit": Unit.objects.get(code="XS-HN").pk,
         "backlog": "submitted", "from_on": str(today), "until_on": str(today + timedelta(days=4)),
         "why": "华南月底单多，客户问进度没人答"},
        {"helper": people["rentianxiang"], "work": "ship", "order": large, "from_on": str(today + timedelta(days=2)),
         "until_on": str(today + timedelta(days=4)), "why": "这单要分三天装车，内勤跟现场"},
    ]  # fmt: skip
    outcome = perform(actions.create, by=chief, rows=rows[: 2 if large else 1], source="demo")
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    first = Loan.objects.get(pk=outcome.done[0])
    if first.state == "asked":
        perform(actions.agree, [first.pk], by=actor_of(first.lender_id), source="demo")
