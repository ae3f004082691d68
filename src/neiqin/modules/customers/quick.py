"""What the quick line of the workbench knows about customers."""

import re
from typing import Any

from neiqin.kernel.fields.formats import BadFormat, mask_mobile, phone
from neiqin.kernel.resources.quick import Guess, Quick
from neiqin.modules.customers import actions
from neiqin.modules.customers.resources import customer


def _new(person: Any, rest: str) -> Guess | None:
    """苏州恒瑞机械有限公司 陈工 13800138000: a company, a contact, a phone, in any order after the name."""
    name, *words = re.split(r"[\s,，]+", rest)
    values, parts = {"name": name}, []
    for word in words:
        try:
            number = phone(word)
        except BadFormat:
            values["contacts-0-name"] = word
            parts.append(word)
        else:
            values["contacts-0-mobile" if len(number) == 11 and number[0] == "1" else "contacts-0-phone"] = number
            parts.append(mask_mobile(number))
    return Guess(name, f"{customer.url}new/", "填完再保存", tuple(parts), values)


QUICKS = [Quick("新客户", "新客户 公司名 联系人 手机", actions.create.may, _new)]
