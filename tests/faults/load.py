"""People at work through the API: each request has a key and is sent again with it until there is an answer. What has
only a page is done on that page, by a form with the same kind of key."""

import html
import http.client
import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

PATIENCE = 240
CSRF = "killkillkillkillkillkillkillkill"


@dataclass
class Acknowledged:
    """A customer as the answers say it is: its events in order, and the values last set."""

    events: list[str]
    remark: str = ""
    owner: int = 0
    state: str = "active"


@dataclass(eq=False)
class Worker(threading.Thread):
    """Works until told to stop. cookie: of the session, for pages; problems: answers that should not have been."""

    name_: str
    port: int
    token: str
    stop: threading.Event
    limit: int = 10**9
    cookie: str = ""
    done: int = 0
    retried: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(daemon=True)
        self.random = random.Random(self.name_)
        self.asked = 0

    def run(self):
        try:
            while not self.stop.is_set() and self.done < self.limit:
                self.work()
                self.done += 1
                time.sleep(0.005)
        except Exception as error:
            self.problems.append(repr(error))

    def work(self):
        raise NotImplementedError

    def ask(self, method, path, body=None, *, refusable=False):
        """Send until answered, always with the same key. None where it is refused, if that may be."""
        return self.until_answered(lambda key: self.send(method, path, body, key), f"{method} {path}", refusable)

    def fill_in(self, path, fields, *, refusable=False):
        """Post the form of a page until answered, always with the same key; the id of the record that it leads to."""
        return self.until_answered(lambda key: self.post(path, fields, key), path, refusable)

    def until_answered(self, send, what, refusable):
        self.asked += 1
        key, end, tries = f"{self.name_}-{self.asked}", time.monotonic() + PATIENCE, 0
        while time.monotonic() < end:
            tries += 1
            try:
                status, answer = send(key)
            except (OSError, http.client.HTTPException):
                status, answer = 0, None
            # Too slow means that nothing was done: the same may be asked again.
            if status in (200, 201, 202):
                self.repeated += tries > 1
                return answer
            slow = status == 409 and "没有保存" in answer["message"]
            if status == 409 and refusable and not slow and "请求号" not in answer["message"]:
                return None
            if status and status < 500 and not slow:
                raise AssertionError(f"{what}: {status} {answer}")
            self.retried += 1
            time.sleep(0.1)
        raise AssertionError(f"{what}: no answer in {PATIENCE} s")

    def send(self, method, path, body, key):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            headers["Idempotency-Key"] = key
            link.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if answer.status < 500 else None
        finally:
            link.close()

    def post(self, path, fields, key):
        """As `send`: a page that leads on is 200 with the record's id, one that shows the form again 409."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            headers = {"Cookie": f"{self.cookie}; csrftoken={CSRF}", "X-CSRFToken": CSRF}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            link.request("POST", path, urlencode({**fields, "request_key": key}), headers)
            answer = link.getresponse()
            content = answer.read().decode()
            if answer.status == 302:
                return 200, int(re.fullmatch(r"/\w+/\w+/(\d+)/", answer.headers["Location"])[1])
            said = " ".join(re.findall(r"<li>(.*?)</li>", content.partition('role="alert"')[2].partition("</ul>")[0]))
            return 409 if answer.status == 422 else answer.status, {"message": html.unescape(said) or content[:300]}
        finally:
            link.close()


@dataclass(eq=False)
class Clerk(Worker):
    """Works on customers of his own making. people: who may own them, himself first."""

    people: list[int] = field(default_factory=list)
    customers: dict[int, Acknowledged] = field(default_factory=dict)

    def work(self):
        kinds = ["create", "edit", "edit", "hand over", "switch many"]
        kind = self.random.choice(kinds if self.customers else ["create"])
        if kind == "create":
            return self.create()
        number = self.random.choice(list(self.customers))
        known = self.customers[number]
        if kind == "edit":
            remark = f"{self.name_} {self.done}"
            self.ask("PATCH", f"customers/{number}", {"remark": remark})
            known.remark = remark
            known.events.append("edited")
        elif kind == "hand over":
            to = next(p for p in self.people if p != known.owner)
            self.ask("POST", f"customers/{number}/hand_over", {"to": to})
            known.owner = to
            known.events.append("handed_over")
        else:
            self.switch(self.random.sample(list(self.customers), min(5, len(self.customers))))
        return None

    def create(self):
        row = {"name": f"{self.name_}第{self.done}机械有限公司", "owner": self.people[0],
               "contacts": [{"name": "潘工", "mobile": "13800138000"}]}  # fmt: skip
        body = self.ask("POST", "customers", row)
        self.customers[body["id"]] = Acknowledged(["created"], owner=self.people[0])

    def switch(self, ids):
        state = self.customers[ids[0]].state
        ids = [i for i in ids if self.customers[i].state == state]
        action, after, event = "reactivate", "active", "reactivated"
        if state == "active":
            action, after, event = "deactivate", "inactive", "deactivated"
        params = {"reason": "盘点"} if action == "deactivate" else {}
        body = self.ask("POST", f"customers/do/{action}", {"ids": ids, "params": params})
        if sorted(body["done"]) != sorted(ids) or body["refused"]:
            self.problems.append(f"{action} of {ids}: {body}")
        for i in ids:
            self.customers[i].state = after
            self.customers[i].events.append(event)
