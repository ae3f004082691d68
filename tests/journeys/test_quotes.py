"""A quote accepted on the phone: typed and sent by the clerk, taken by the customer, an order without retyping."""

import re

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def buyer(office):
    """A customer of this clerk's reps with a contact, and the names of both."""
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.kernel.personal.columns import open_columns
    from neiqin.modules.customers.models import Contact, Customer

    with office.django():
        clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="linzhixia"))
        seen = Customer.objects.filter(Customer.visible_to(clerk), state="active", owner__isnull=False)
        contact = Contact.objects.filter(customer__in=seen, left=False).order_by("pk")[0]
        return contact.customer.name, open_columns([contact], ["name"])[0]["name"]


def act(page, name):
    """An action of the record's page: in its bar or behind 操作."""
    button = page.locator(".acts a, .bar a").filter(has_text=name).first
    if not button.is_visible():
        page.get_by_role("button", name="操作").click()
        button = page.locator("#more a", has_text=name).first
    button.click()
    page.locator("dialog[open] button.primary").last.click()
    expect(page.locator("dialog[open]")).to_contain_text("都办好了")
    page.reload()


def test_a_quote_accepted_on_the_phone(desk, office):
    customer, contact = buyer(office)
    clerk = desk("linzhixia")
    page = clerk.open("/quotes/quote/new/")
    page.locator("#f-customer").fill(customer)
    page.locator(".pick-list [role=option], [role=option]").filter(has_text=customer).first.click()
    page.locator("input[name=valid_until]").fill("2099-12-31")
    page.locator("#f-lines-0-product").fill("ZC-6204")
    page.locator("input[name=lines-0-quantity]").fill("12")
    page.locator("input[name=lines-0-days]").fill("7")
    expect(page.locator("[data-checked]")).to_contain_text("1 行")
    expect(page.locator("input[name=lines-0-price]")).not_to_have_attribute("placeholder", "")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url(re.compile(r"/quotes/quote/\d+/$"))
    number = page.locator("h1").inner_text()
    assert re.match(r"BJ\d{8}-\d{4}$", number) or number == customer
    act(page, "发送")
    expect(page.locator("main, body").first).to_contain_text("已发送")

    page.click("#tab-guests")
    page.get_by_role("button", name="请客户确认报价").click()
    dialog = page.locator("#dialog[open]")
    dialog.locator("#g-contact").select_option(label=contact)
    dialog.locator("input[name=with_code]").uncheck()
    dialog.get_by_role("button", name="做 1 个链接").click()
    link = re.search(r"http\S+", dialog.locator("#g-text").input_value()).group()

    phone = desk(None, "phone")
    guest = phone.page
    guest.goto(link)
    expect(guest.locator("h1")).to_contain_text(customer)
    expect(guest.locator("body")).to_contain_text("7 天")
    assert guest.evaluate("document.documentElement.scrollWidth") <= 390
    guest.get_by_label("接受报价").check()
    guest.get_by_role("button", name="提交回复").click()
    expect(guest.locator("[role=status]")).to_contain_text("接受报价")

    address = page.url
    page.goto(address)
    expect(page.locator("body")).to_contain_text("客户已接受")
    page.goto(f"{clerk.url}/quotes/push/?id={address.rstrip('/').rsplit('/', 1)[-1]}")
    page.get_by_role("button", name="下推成订单草稿").click()
    page.wait_for_url(re.compile(r"/orders/order/\d+/edit/$"))
    expect(page.locator("input[name=lines-0-quantity]")).to_have_value("12")
    order = re.search(r"/orders/order/\d+/", page.url)[0]
    page.goto(f"{clerk.url}{order}")
    page.click("#tab-quotes")
    expect(page.locator("a[href*='/quotes/quote/']").filter(has_text="BJ").first).to_be_visible()
    page.goto(address)
    expect(page.locator("body")).to_contain_text("全部下推成订单了")
