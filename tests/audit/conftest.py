"""An auditor, who sees all customers and their credit, and a rep with a customer."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def office(db):
    """ann owns customers; the auditor reads the log."""
    return make_office()


def make_office():
    """The same outside of `db`."""
    from neiqin.kernel.people.actors import actor_of  # Django is set up only after conftests are read
    from tests import factories

    ann = factories.person("周启明", position_=factories.rep_position("own", people_view="all"))
    position = factories.position(
        "内勤主管",
        audit_view="all",
        customers_view="all",
        customers_contacts="all",
        customers_credit="all",
        people_view="all",
    )
    auditor = factories.person("方静仪", position_=position)
    blind = factories.person("潘一鸣", position_=factories.position("系统管理员", audit_view="all", people_view="all"))
    return SimpleNamespace(ann=ann, auditor=auditor, blind=blind, as_ann=actor_of(ann.pk))
