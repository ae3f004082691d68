"""@action: the declaration of a verb. Lock, state, right, parameters, button, endpoint, event, preview follow."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape, parse

REGISTRY: dict[str, "Action"] = {}


@dataclass(frozen=True, eq=False)
class Action:
    """One verb on a set of records of one kind. Call perform(action, …); calling it directly runs only its body."""

    model: Any
    name: str
    label: str
    body: Callable[..., Any]
    may: str
    event: str
    from_: frozenset[str] = frozenset()
    to: str | None = None
    shape: Shape = field(default_factory=lambda: Shape(()))
    creates: bool = False  # makes records instead of changing given ones
    merges: bool = False  # takes a stale version if the changed fields are disjoint
    partial: bool = False  # only the given parameters are checked and passed on
    each: bool = False  # takes rows: to each record parameters of its own, in `batch.rows`
    numbers: Any = None  # of one that creates: what numbers its records
    rehearse: Callable[[Any], None] | None = None  # of one that creates: refuse what it would, and write nothing
    button: bool = True
    offered: Callable[[Any], bool] | None = (
        None  # whether the button makes sense on a record; the body has the last word
    )
    bulk: bool = True
    primary: bool = False
    danger: bool = False
    icon: str = "bolt"
    key: str = ""
    confirm: str = ""

    @property
    def code(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    @property
    def rows(self) -> bool:
        """Whether it takes rows instead of parameters."""
        return self.creates or self.each

    @property
    def kind(self) -> str:
        """What its events are about: of a proxy the model behind it, because they are the same records."""
        return str(self.model._meta.concrete_model._meta.label_lower)

    @property
    def event_name(self) -> str:
        return f"{self.kind}.{self.event}"

    def __call__(self, batch: Any, **parameters: Any) -> Any:
        return self.body(batch, **parameters)

    def parse(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Canonical parameters. Raises Invalid."""
        return parse(self.shape, parameters, partial=self.partial)

    def allows_state(self, state: str | None) -> bool:
        return not self.from_ or state in self.from_


def action(
    model: Any,
    label: str,
    *,
    may: str,
    event: str = "",
    from_: str | Iterable[str] = (),
    to: str | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Action]:
    """Declare the function below as an action on `model`.

    Its keyword-only parameters annotated `Annotated[type, Field(...)]` become the action's parameters. `event` is the
    past-tense name of what happened (default: the new state). `may` is the permission codename.
    """

    def declare(body: Callable[..., Any]) -> Action:
        states = frozenset([from_] if isinstance(from_, str) else from_)
        shape = options.pop("shape", None) or _shape(body)
        made = Action(
            model, body.__name__, label, body, may, event or to or body.__name__, states, to, shape, **options
        )
        register(made)
        return made

    return declare


def register(made: Action) -> Action:
    """Make an action known by its code; a second one of the same code is a mistake."""
    if made.code in REGISTRY:
        raise ValueError(f"action {made.code} is declared twice")
    REGISTRY[made.code] = made
    return made


def _shape(body: Callable[..., Any]) -> Shape:
    hints = get_type_hints(body, include_extras=True)
    fields = []
    for name, parameter in inspect.signature(body).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        found = next((a for a in get_args(hints[name]) if isinstance(a, Field)), None)
        if get_origin(hints[name]) is not Annotated or found is None:
            raise TypeError(f"parameter {name} of {body.__name__} needs Annotated[…, Field(…)]")
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        fields.append(found.but(name=name, default=default))
    return Shape(tuple(fields))
