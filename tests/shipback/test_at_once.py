"""Several people at once: each delivery is told to its platform once, each waybill ships once."""

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.orders.models import Delivery
from neiqin.modules.shipback import handing, shipping
from neiqin.modules.shipback.models import Handout, Told
from tests import factories
from tests.faults.threads import at_once

RIGHTS = {"orders_view": "all", "orders_ship": "all", "shipback_view": "own", "shipback_create": "own"}


def clerk():
    return actor_of(factories.person("林知夏", position_=factories.position("内勤", **RIGHTS)).pk)


def test_of_eight_who_write_the_file_at_once_one_has_all_and_the_others_hear_that_nothing_waits(own_database):
    by = clerk()
    for n in range(3):
        order = factories.platform_order(f"26112300{n}")
        factories.shipped(order, 10, carrier="圆通速递", waybill=f"YT123456789012{n}")
    at_once(*[lambda: perform(handing.write, rows=[{"channel": "拼多多"}], by=by) for _ in range(8)])
    assert list(Handout.objects.values_list("count", flat=True)) == [3]
    assert Told.objects.count() == 3


def test_of_eight_who_bring_the_same_waybills_at_once_one_ships(own_database):
    by = clerk()
    for n in range(3):
        factories.platform_order(f"26112300{n}")
    rows = [f"26112300{n},圆通,YT123456789012{n}" for n in range(3)]
    content = "\n".join(["订单号,快递公司,运单号", *rows]).encode()
    at_once(*[lambda: shipping.take(content, "x.csv", by) for _ in range(8)])
    assert sorted(Delivery.objects.values_list("waybill", flat=True)) == [f"YT123456789012{n}" for n in range(3)]
