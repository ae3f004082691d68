"""Screens and API of quotes and their templates."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.quotes import actions, drafting, fields, looking, pushing
from neiqin.modules.quotes.models import Quote, Template

quote = Resource(
    Quote,
    "报价单",
    noun="份",
    icon="file-invoice",
    section="业务",
    new_key="B",
    slug="quotes",
    fields=(*fields.KEPT[:2], *fields.HEAD, *fields.KEPT[2:]),
    shape=actions.QUOTE,
    fast_sorts=("-doc_date", "-number"),
    found=("number", "name"),
    title="name",
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(
        actions.send, actions.accept, actions.refuse, drafting.renew, drafting.keep, actions.hand, pushing.push_down,
        actions.void,
    ),
    notes=looking.notes,
    steps=looking.steps,
    figure="amount",
)  # fmt: skip
template = Resource(
    Template,
    "报价模板",
    noun="个",
    icon="file-text",
    section="业务",
    tucked=True,
    slug="quote-templates",
    fields=fields.TEMPLATE,
    shape=drafting.TEMPLATE,
    fast_sorts=("pinyin",),
    found=("name",),
    create=drafting.create_template,
    edit=drafting.edit_template,
)
