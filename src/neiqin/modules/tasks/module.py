"""What assigned tasks plug into the system."""

from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.resources.resource import Module
from neiqin.modules.tasks import looking, resources, tasks

module = Module(
    label="交办",
    resources=[resources.task],
    permissions={tasks.VIEW: "看交办事项", tasks.CREATE: "交办给别人", tasks.DO: "签收、汇报、申请办结"},
    home=[looking.todos],
    hourly=[tasks.every_hour],
    plugs=[tasks.ASK, tasks.NEWS, tasks.LATE],
    clocks=[
        Clock(
            "tasks.accept", "签收交办", on=f"{tasks.KEY}.created",
            until=(f"{tasks.KEY}.accepted", f"{tasks.KEY}.answered"), cancel=(f"{tasks.KEY}.voided",), minutes=240,
        ),
    ],
)  # fmt: skip
