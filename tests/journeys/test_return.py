"""A return: the customer asks on its phone, the manager agrees, the warehouse finds one of two to be refused, and the
customer reads what came of it."""

import re
from datetime import timedelta

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def shipped(office):
    """An order of 周启明's that has gone out and is not old: its number, and the address of its customer's page."""
    from neiqin.kernel import clock
    from neiqin.kernel.people.models import Login
    from neiqin.modules.customers.models import Contact
    from neiqin.modules.orders import progress
    from neiqin.modules.orders.models import DeliveryLine, Order
    from neiqin.modules.returns import asking

    with office.django():
        rep = Login.objects.values_list("person_id", flat=True).get(username="zhouqiming")
        since = clock.today() - timedelta(days=60)
        rows = Order.objects.filter(owner_id=rep, state="executing", doc_date__gte=since).order_by("-pk")
        for order in rows:
            contact = Contact.objects.filter(customer=order.customer_id, left=False, erased_at=None).first()
            left = asking.left_of(list(order.lines.values_list("pk", flat=True)))
            gone = DeliveryLine.objects.filter(delivery__order=order, quantity__gte=2).exists()
            if contact and gone and max(left.values(), default=0) >= 2:
                return order.number, progress.path_of(order, contact.pk)
    raise AssertionError("the demo has no shipped order of this rep")


def test_a_return(desk, office):
    number, path = shipped(office)
    customer = desk("", "phone")
    page = customer.open(path)
    page.get_by_role("link", name=re.compile("退")).first.click()
    page.wait_for_url(re.compile(r"/return/$"))
    expect(page.locator("h1")).to_contain_text(number)
    asked = page.locator("[id^=f-q-]").all()
    most = "e => parseFloat(e.labels[0].textContent.split('最多')[1].replace(/[^0-9.]/g, ''))"
    wanted = next(x for x in asked if x.evaluate(most) >= 2)
    wanted.fill("2")
    page.locator("#f-kind").select_option(label="退货退款")
    page.locator("#f-reason").select_option(label="客户原因")
    page.get_by_role("button", name="提交").click()
    steps = page.locator("ol.rows").first
    expect(steps).to_contain_text("审批")
    ticket = re.search(r"TH\d{8}-\d{4}", page.locator("h2").first.inner_text())[0]

    with office.django():
        from neiqin.modules.returns.models import Ticket

        at = f"/returns/ticket/{Ticket.objects.get(number=ticket).pk}/"
    manager = desk("lujianguo", "phone")
    page = manager.open(at)
    page.get_by_role("link", name="看审批").first.click()
    expect(page.locator("h1")).to_contain_text("同意")
    page.locator(".actbar a", has_text="同意").click()
    page.locator("dialog[open] button.primary").click()
    expect(page.locator("dialog[open]")).to_contain_text("都办好了")

    keeper = desk("houzhiqiang")
    page = keeper.open(at)
    page.get_by_role("link", name="收货验货").first.click()
    page.locator("input[name^=good-]").first.fill("1")
    page.locator("input[name^=bad-]").first.fill("1")
    page.locator("input[name^=accepted-]").first.fill("1")
    page.get_by_role("button", name="验货完成").click()
    expect(page.locator("body")).to_contain_text("待结清")

    page = customer.page
    page.reload()
    expect(page.locator("ol.rows").first).to_contain_text("结清")
