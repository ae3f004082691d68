"""The customer calls and changes half the order: taken down while what follows is shown, passed on by the rep on his
phone, answered by the warehouse, agreed, carried out, and known to who packs it."""

import re
from datetime import date, timedelta

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.clause("C-ORD-13"), pytest.mark.clause("C-ORD-14")]
expect = pytest.importorskip("playwright.sync_api").expect


def an_order(office):
    """Of a customer of 周启明, confirmed, audited and with the departments; its id, and the login of who packs it."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.models import Login
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.customers.models import Customer
    from neiqin.modules.orders import actions, confirming, parts
    from neiqin.modules.orders.models import Part

    with office.django():
        rep = Login.objects.values_list("person_id", flat=True).get(username="zhouqiming")
        buyer = Customer.objects.filter(owner_id=rep, state="active").order_by("pk")[0]
        row = {
            "customer": buyer.pk, "source": "api", "consignee": "潘工", "address": "昆山市前进路1号",
            "required_on": str(date.today() + timedelta(days=30)),
            "lines": [{"item_name": "轴承", "quantity": "40", "price": "20"},
                      {"item_name": "油封", "quantity": "10", "price": "5"}],
        }  # fmt: skip
        (pk,) = perform(actions.create, by=SYSTEM, rows=[row]).done
        for verb, params in (
            (actions.submit, {}), (confirming.confirm, {"means": "contract", "proof": "KJ"}), (actions.approve, {}),
            (parts.hand_over, {}),
        ):  # fmt: skip
            outcome = perform(verb, [pk], by=SYSTEM, params=params)
            assert outcome.done, outcome.refused
        doer = Part.objects.filter(order=pk).values_list("owner_id", flat=True)[0]
        packer = Login.objects.get(person_id=doer).username
        return pk, packer


def done(page, label, **given):
    """Press the button of a record's verb, fill its dialog in, and see that it was done."""
    button = page.get_by_role("link", name=label, exact=False).or_(page.get_by_role("button", name=label, exact=False))
    if not button.first.is_visible():
        page.locator("[popovertarget]", has_text="操作").first.click()
    button.locator("visible=true").first.click()
    dialog = page.locator("dialog[open]")
    for name, value in given.items():
        field = dialog.locator(f"[name={name}]")
        field.select_option(value) if field.evaluate("f => f.tagName") == "SELECT" else field.fill(value)
    dialog.locator("button.primary").click()
    expect(dialog).to_contain_text("都办好了")
    with page.expect_navigation():  # the record is shown anew
        dialog.locator("[data-close]").last.click()


def test_the_customer_calls_and_changes_half_the_order(desk, office):
    pk, packer = an_order(office)
    clerk = desk("linzhixia")
    page = clerk.open(f"/orders/order/{pk}/")
    page.locator("[popovertarget]", has_text="操作").first.click()
    page.get_by_role("link", name="变更", exact=True).locator("visible=true").first.click()
    page.wait_for_url("**/changes/new/**")
    page.get_by_label("轴承 的新数量").fill("20")
    page.keyboard.press("Tab")
    impact = page.locator("#impact")
    expect(impact).to_contain_text("850.00 → 450.00（-400.00）")
    expect(impact).to_contain_text("待接收 0%")
    page.get_by_label("轴承 的新数量").fill("-3")
    page.keyboard.press("Tab")
    expect(impact).to_contain_text("新数量")
    page.get_by_label("轴承 的新数量").fill("20")
    later = str(date.today() + timedelta(days=40))
    page.fill("input[name=required_on]", later)
    page.fill("input[name=said_by]", "潘工来电 10:32")
    page.fill("input[name=reason]", "产线停了一半")
    expect(impact).to_contain_text("计划完成")
    page.get_by_role("button", name="登记变更").click()
    page.wait_for_url(re.compile(r"/changes/change/\d+/"))
    at = "/" + page.url.split("/", 3)[3]
    expect(page.locator("body")).to_contain_text("业务员处理")

    phone = desk("zhouqiming", "phone")
    rep = phone.open(at)
    assert rep.evaluate("document.documentElement.scrollWidth") <= 390
    done(rep, "转部门评估")
    expect(rep.locator("body")).to_contain_text("等部门评估")

    warehouse = desk(packer)
    page = warehouse.open("/")
    for _ in range(3):  # 采购, 仓储, 物流 are with the same person
        page.get_by_role("link", name=re.compile("评估变更")).first.click()
        done(page, "答复评估", possible_on=str(date.today() + timedelta(days=9)), note="现货够")
        page = warehouse.open("/")
    expect(page.get_by_role("link", name=re.compile("评估变更"))).to_have_count(0)

    page = clerk.open(at)
    done(page, "登记客户同意", means="contract", proof="KJ-2026-001，潘工来电")
    rep = phone.open(at)
    expect(rep.locator("body")).to_contain_text("可以执行了")
    done(rep, "执行变更")
    expect(rep.locator("body")).to_contain_text("已生效")

    page = warehouse.open("/")
    page.get_by_role("link", name=re.compile("确认新版")).first.click()
    done(page, "已知悉")
    page = clerk.open(f"/orders/order/{pk}/")
    expect(page.locator("body")).to_contain_text("450")
    expect(page.locator("body")).to_contain_text("已生效")
