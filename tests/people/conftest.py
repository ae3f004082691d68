"""An office: who manages people, who changes rights, two teams under one manager."""

from types import SimpleNamespace

import pytest

MANAGING = {"people_view": "all", "people_manage": "all", "people_duties": "all"}


@pytest.fixture
def office(db):
    """hr manages people, root also rights; zhou and he are reps of two teams, lu is the manager over both."""
    from neiqin.kernel.people.actors import actor_of  # Django is set up only after conftests are read
    from tests import factories

    top = factories.unit("销售部")
    east, south = factories.unit("华东组", top), factories.unit("华南组", top)
    rep = factories.rep_position("own", people_view="all")
    manager = factories.position(
        "销售经理", owns_key_customers=True, people_view="all", customers_view="below", customers_edit="below"
    )
    root = factories.position("系统管理员", people_rights="all", audit_view="all", **MANAGING)
    hr = factories.position("人力资源", **MANAGING)
    found = SimpleNamespace(
        top=top, east=east, south=south, rep=rep, manager=manager, root_position=root, hr_position=hr,
        zhou=factories.person("周启明", unit_=east, position_=rep),
        he=factories.person("何雨桐", unit_=south, position_=rep),
        lu=factories.person("陆建国", unit_=top, position_=manager),
        root=factories.person("潘一鸣", unit_=top, position_=root),
        hr=factories.person("邹佩兰", unit_=top, position_=hr),
    )  # fmt: skip
    found.as_ = lambda name: actor_of(getattr(found, name).pk)
    return found
