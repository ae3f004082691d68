"""The original of an order: attached with it or not at all, shown to nobody else, never taken from another record."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.modules.orders.models import Order
from tests.files.test_attachments import pdf
from tests.orders.test_orders import Desk, desk, text  # noqa: F401 - desk is a fixture

pytestmark = pytest.mark.django_db
NEW = "/orders/order/new/"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES = tmp_path


def choose(client, name="采购单.pdf", body=None):
    answer = client.post("/files/originals/", {"file": SimpleUploadedFile(name, body or pdf(pages=2))})
    assert answer.status_code == 200
    return answer.json()["id"]


def form(desk, *originals, **more):  # noqa: F811
    return {
        "customer": desk.customer.pk, "lines-0-item_name": "法兰", "lines-0-quantity": "2", "lines-0-price": "150",
        "original": originals, **more,
    }  # fmt: skip


def test_it_is_attached_when_the_order_is_saved_and_a_form_sent_twice_attaches_it_once(desk):  # noqa: F811
    client = desk.at(desk.clerk)
    number = choose(client)
    assert client.get(f"/files/originals/{number}/").json() == {"pages": 2, "problem": ""}
    page = client.get(f"/files/originals/{number}/1/")
    assert (page.status_code, page.content[:4]) == (200, b"\x89PNG")
    for _ in range(2):
        assert client.post(NEW, form(desk, number, request_key="k-1")).status_code == 302
    order = Order.objects.get()
    found = Attachment.objects.get()
    assert (found.kind, found.record_id, found.name, found.category) == ("orders.order", order.pk, "采购单.pdf", "原件")
    edit = text(client.get(f"/orders/order/{order.pk}/edit/"))
    assert "采购单.pdf" in edit
    assert client.get(f"/files/originals/a{found.pk}/").json() == {"pages": 2, "problem": ""}


def test_an_order_that_is_refused_attaches_nothing_and_still_has_it(desk):  # noqa: F811
    client = desk.at(desk.clerk)
    number = choose(client)
    answer = client.post(NEW, form(desk, number, **{"lines-0-quantity": "两个"}))
    assert answer.status_code == 422
    assert f'name="original" value="{number}"' in answer.content.decode()
    assert Attachment.objects.count() == 0
    client.post("/orders/order/draft/0/", form(desk, number))
    assert f'name="original" value="{number}"' in client.get(NEW).content.decode(), "the draft has it too"


def test_when_it_cannot_be_attached_the_order_is_not_saved_either(desk):  # noqa: F811
    client = desk.at(desk.clerk)
    number = choose(client)
    StoredFile.objects.all().delete()
    answer = client.post(NEW, form(desk, number))
    assert answer.status_code == 422
    assert "有一份原件已经不在了。" in text(answer)
    assert Order.objects.count() == 0


def test_what_another_person_has_chosen_is_neither_shown_nor_attached(desk):  # noqa: F811
    number = choose(desk.at(desk.manager))
    client = desk.at(desk.clerk)
    assert client.get(f"/files/originals/{number}/").status_code == 404
    assert client.get(f"/files/originals/{number}/0/").status_code == 404
    assert client.post(NEW, form(desk, number)).status_code == 422
    assert (Order.objects.count(), Attachment.objects.count()) == (0, 0)


def test_the_body_of_another_order_is_not_taken_along(desk):  # noqa: F811
    client = desk.at(desk.clerk)
    number = choose(client)
    assert client.post(NEW, form(desk, number)).status_code == 302
    assert client.post(NEW, form(desk, number)).status_code == 422
    assert (Order.objects.count(), Attachment.objects.count()) == (1, 1)


def test_a_program_is_no_original_and_without_one_all_is_as_before(desk):  # noqa: F811
    client = desk.at(desk.clerk)
    answer = client.post("/files/originals/", {"file": SimpleUploadedFile("单子.exe", b"MZ" + b"\0" * 100)})
    assert answer.status_code == 422
    assert answer.json()["problem"]
    assert client.get("/files/originals/12x/").status_code == 404
    assert client.post(NEW, form(desk)).status_code == 302
    assert Order.objects.get().amount == 300
