"""Projects of the demo company: one by plan, one whose milestone is late, one with a high risk."""

from datetime import timedelta

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.modules.projects import projects
from neiqin.modules.projects.models import Project

# (name, leader, members, goal, due in days, milestones as (name, in days, reached), risks as (text, level), last word)
PROJECTS = (
    ("年末答谢会", "fangjingyi", ("duheng", "linzhixia"), "请重点客户 40 家，到会 30 家以上", 25,
     (("定场地", -6, True), ("发邀请函", 4, False), ("会务彩排", 20, False)), (), "场地定了，邀请函在印"),
    ("昆山仓货架改造", "houzhiqiang", ("lujianguo", "jinhui"), "月底前改完，不停发货", 18,
     (("报价和合同", -12, True), ("旧货架拆完", -3, False), ("验收", 16, False)), (("施工时压货", "medium"),),
     "拆到一半，工人周四回来"),
    ("华东年度框架合同续签", "lujianguo", ("zhouqiming", "jinhui"), "20 家重点客户续签，价格不低于今年", 40,
     (("名单和底价", -2, True), ("逐家谈完", 30, False)), (("两家要求降 8%", "high"),), "谈了 6 家，两家卡在价格"),
)  # fmt: skip


def plan() -> None:
    """Each is set up by its leader, who has also said how it stands."""
    people = dict(Login.objects.values_list("username", "person_id"))
    today = clock.today()
    for name, leader, members, goal, due, milestones, risks, said in PROJECTS:
        lead = actor_of(people[leader])
        row = {
            "name": name, "owner": lead.id, "goal": goal, "start_on": str(today - timedelta(days=20)),
            "due_on": str(today + timedelta(days=due)),
            "members": [{"person": people[m]} for m in members],
            "milestones": [
                {"name": what, "due_on": str(today + timedelta(days=days)), "person": people[members[0]],
                 "done_on": str(today + timedelta(days=days)) if reached else ""}
                for what, days, reached in milestones
            ],
            "risks": [{"text": text, "level": level} for text, level in risks],
        }  # fmt: skip
        outcome = perform(projects.create, by=lead, rows=[row], source="demo")
        if outcome.refused:
            raise ValueError(f"demo data refused: {outcome.refused}")
        made = Project.objects.get(pk=outcome.done[0])
        perform(projects.tell, [made.pk], by=lead, params={"text": said}, source="demo")
