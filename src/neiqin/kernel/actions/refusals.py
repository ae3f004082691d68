"""Why something was not done: one refusal a record, with a sentence for the person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """text: Chinese sentence; field: the field that would mend it; code: missing, forbidden, state, stale, refused."""

    text: str
    field: str = ""
    code: str = "refused"
    data: Any = None


class NotAllowed(Exception):
    """The person does not hold the permission at all."""


class RefuseLate(Exception):
    """Raised by an effect: these records may not go; the run is rolled back and performed again without them."""

    def __init__(self, problems: Mapping[int, str | Refusal]) -> None:
        self.problems = {record: as_refusal(problem) for record, problem in problems.items()}
        super().__init__(f"{len(self.problems)} records refused late")


class KeyReused(Exception):
    """The request key was used before for another call."""


class TooSlow(Exception):
    """The transaction was ended because it took too long; nothing was saved."""


def as_refusal(problem: str | Refusal) -> Refusal:
    """A bare sentence becomes a refusal."""
    return problem if isinstance(problem, Refusal) else Refusal(problem)


@dataclass
class Outcome:
    """What one call did: `done` record ids in order, `refused` with reasons, `held` if it waits behind the gate."""

    run: int | None = None
    done: list[int] = field(default_factory=list)
    refused: dict[int, Refusal] = field(default_factory=dict)
    held: int | None = None
    repeated: bool = False
    changes: list[Any] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What is kept under the request key."""
        refused = {str(k): asdict(v) for k, v in self.refused.items()}
        return {"run": self.run, "done": self.done, "refused": refused, "held": self.held}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Outcome":
        refused = {int(k): Refusal(**v) for k, v in kept["refused"].items()}
        return cls(kept["run"], kept["done"], refused, kept["held"], repeated=True)
