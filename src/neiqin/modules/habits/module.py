"""What 录入体检 plugs into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.habits import advice
from neiqin.modules.orders.entering import Advice

module = Module(label="录入体检", plugs=[Advice(advice.advise), advice.PassedBy()])
