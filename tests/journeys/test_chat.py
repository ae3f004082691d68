"""An order out of a chat: pasted by the clerk, every guess marked, mended in place, and known the next time."""

import re

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
MESSAGE = """王姐早，麻烦下个单：
1、ZC-6204 50个
2、小油封TC35*52*7 三十个
收货人：李建国 13812345678 江苏省苏州市昆山市前进路88号"""


def buyer(office):
    """The name of a customer of this clerk's reps."""
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.modules.customers.models import Customer

    with office.django():
        clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="linzhixia"))
        seen = Customer.objects.filter(Customer.visible_to(clerk), state="active", owner__isnull=False)
        return seen.order_by("pk")[0].name


def paste(clerk, customer, message):
    page = clerk.open("/orders/order/")
    page.get_by_role("link", name="聊天下单").first.click()
    page.locator("#f-customer").fill(customer)
    page.locator("[role=option]").filter(has_text=customer).first.click()
    page.locator("#f-said").fill(message)
    page.get_by_role("button", name="识别并录入").click()
    page.wait_for_url(re.compile(r"/orders/order/new/\?intake=\d+$"))
    return page


def test_an_order_out_of_a_chat(desk, office):
    customer = buyer(office)
    clerk = desk("linzhixia")
    page = paste(clerk, customer, MESSAGE)
    expect(page.locator(".said")).to_contain_text("小油封TC35*52*7 三十个")
    expect(page.locator("#f-consignee")).to_have_value("李建国")
    expect(page.locator("input[name=lines-0-quantity]")).to_have_value("50")
    expect(page.locator("input[name=lines-1-quantity]")).to_have_value("30")
    expect(page.locator("#f-lines-1-product")).to_have_value("骨架油封")
    issues = page.locator("[data-checked]")
    expect(issues).to_contain_text("第一次这样叫，核对一下")
    marked = page.locator("td[data-c=product][data-lv=warn]")
    expect(marked).to_have_count(1)
    # the clerk mends the quantity by keyboard and saves
    page.locator("input[name=lines-0-quantity]").fill("60")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    expect(page.locator("body")).to_contain_text("60")
    page.click("#tab-intake")
    expect(page.locator("body")).to_contain_text("小油封TC35*52*7")
    # the same words are certain the next time
    page = paste(clerk, customer, "小油封TC35*52*7 再来10个")
    expect(page.locator("body")).to_contain_text("以前这样叫过")
    expect(page.locator("td[data-c=product][data-lv=warn]")).to_have_count(0)


def test_a_rep_hands_in_an_order_from_the_phone(desk, office):
    customer = buyer(office)
    rep = desk("zhouqiming", "phone")
    page = rep.open("/intake/paste/")
    page.locator("#f-said").fill(f"{customer}，急用 ZC-6205 8个")
    page.get_by_role("button", name="交给内勤").click()
    page.wait_for_url(re.compile(r"/intake/intake/\d+/$"))
    expect(page.locator("body")).to_contain_text("交给内勤了")
