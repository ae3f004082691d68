"""Django's migrate, five times as fast on an empty database: that is the first minute of whoever tries us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState


class LoneState(ProjectState):
    """A state in which a model that is new, or has a field, an index or a constraint more, is rendered alone.

    Django renders again, at each step, every model that is related to it: with ours nearly all of them, because nearly
    all lead to a person. Tables do not depend on that. What does, code that asks the models (RunPython), finds
    `is_delayed` set and gets all of them rendered anew, as after Django's own delayed steps.
    """

    _alone = False

    @contextmanager
    def _rendering_alone(self) -> Iterator[None]:
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    def clone(self) -> "LoneState":
        """A copy of this kind: Django copies the state before the first step."""
        copy = super().clone()
        copy.__class__ = LoneState
        return copy  # type: ignore[return-value]

    def add_model(self, model_state: ModelState) -> None:
        """As Django's."""
        with self._rendering_alone():
            super().add_model(model_state)

    def add_field(self, *field: Any) -> None:
        """As Django's."""
        with self._rendering_alone():
            super().add_field(*field)

    def _append_option(self, *option: Any) -> None:
        with self._rendering_alone():
            super()._append_option(*option)  # type: ignore[misc]

    def _find_reload_model(self, app_label: str, model_name: str, delay: bool = False) -> set[tuple[str, str]]:
        if not self._alone:
            return super()._find_reload_model(app_label, model_name, delay)  # type: ignore[misc]
        self.is_delayed = True
        return {(app_label, model_name)}


class LoneExecutor(MigrationExecutor):
    """Django's, beginning with such a state on an empty database. An upgrade is short, and may alter a field that
    others lead to, of which a model rendered alone knows nothing: it goes Django's way."""

    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        state: ProjectState = super()._create_project_state(with_applied_migrations)  # type: ignore[misc]
        return state if self.loader.applied_migrations else LoneState(state.models, state.real_apps)


class Command(migrate.Command):
    """As Django's."""

    def handle(self, *args: Any, **options: Any) -> None:
        """As Django's, with the executor above: its module has no other place where to say so."""
        migrate.MigrationExecutor = LoneExecutor  # type: ignore[attr-defined]
        super().handle(*args, **options)
