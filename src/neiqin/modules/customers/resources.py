"""Screens and API of customers."""

from neiqin.kernel.fields.formats import company_core
from neiqin.kernel.resources.resource import Related, Resource
from neiqin.modules.customers import actions, fields, notes
from neiqin.modules.customers.models import Customer

customer = Resource(
    Customer,
    "客户",
    noun="家",
    icon="users",
    section="业务",
    phone=True,
    confidential=True,
    new_key="C",
    slug="customers",
    fields=fields.ALL,
    shape=actions.CUSTOMER,
    fast_sorts=("-updated_at", "pinyin", "number"),
    same_name=company_core,
    also_named=("aliases__name",),
    found=("name", "short_name", "number", "contacts__name", "aliases__name"),
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(
        actions.confirm_unchanged,
        actions.hand_over,
        actions.confirm_level,
        actions.reveal,
        actions.deactivate,
        actions.reactivate,
    ),
    reveals=actions.reveal,
    hand_over=actions.hand_over,
    areas=("province", "city", "district"),
    related=(
        Related(
            "跟进记录",
            "customers.followup",
            "customer",
            ("happened_at", "way", "contact", "headline", "next_on", "author"),
        ),
    ),
    notes=notes.of,
)
