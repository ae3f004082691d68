"""The main job of `make demo`: a clerk's and a manager's morning on customer files, each step through perform().

Request keys are fixed, so that a second `make demo` gets the same answers and changes nothing.
"""

from typing import Any

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer

NAME = "昆山瑞拓精密传动设备有限公司"


def run() -> dict[str, Any]:
    """Do the job; returns what each step did, the size of the history and whether its chain is whole."""
    clerk, manager = _person("linzhixia"), _person("lujianguo")
    rep, colleague = _person("zhouqiming"), _person("heyutong")
    row = {
        "name": NAME,
        "city": "昆山市",
        "owner": rep.id,
        "contacts": [{"name": "潘启明", "title": "采购经理", "mobile": "13800138000"}],
    }
    made = perform(actions.create, by=clerk, rows=[row], key="demo-create", source="demo").done[0]
    perform(actions.edit, [made], by=rep, params={"industry": "通用机械"}, key="demo-edit", source="demo")
    wanted = {"to": colleague.id, "note": "何雨桐负责昆山片区"}
    ahead = preview(actions.hand_over, [made], by=manager, params=wanted)
    perform(actions.hand_over, [made], by=manager, params=wanted, key="demo-hand-over", source="demo")
    refused = perform(actions.confirm_level, [made], by=manager, params={"level": "key"}, key="demo-key", source="demo")
    perform(actions.deactivate, [made], by=manager, params={"reason": "演示停用"}, key="demo-off", source="demo")
    perform(actions.reactivate, [made], by=manager, key="demo-on", source="demo")
    while seals.seal():
        pass
    proof = seals.verify()
    customer = Customer.objects.select_related("owner").get(pk=made)
    return {
        "customer": {
            "number": customer.number,
            "owner": customer.owner.name if customer.owner else "",
            "version": customer.version,
        },
        "previewed": len(ahead.changes),
        "refused": [r.text for r in refused.refused.values()],
        "history": {"runs": Run.objects.count(), "events": Event.objects.count(), "changes": Change.objects.count()},
        "verify": {"ok": proof["ok"], "seals": proof["seals"], "rows": proof["rows"], "head": proof["head"]},
    }


def _person(login: str) -> Any:
    return actor_of(Login.objects.values_list("person_id", flat=True).get(username=login))
