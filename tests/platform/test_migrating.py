"""Our migrate renders less than Django's; what it sends to the database is the same."""

from django.core.management import get_commands
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from neiqin.config.management.commands.migrate import LoneExecutor, LoneState

APPS = ("actions", "people", "approvals")


def statements(state: ProjectState) -> list[str]:
    """What the migrations up to those apps say, from an empty database on."""
    graph, said, seen = MigrationLoader(None).graph, [], set()
    for node in (node for app in APPS for leaf in graph.leaf_nodes(app) for node in graph.forwards_plan(leaf)):
        if node not in seen:
            seen.add(node)
            with connection.schema_editor(collect_sql=True, atomic=False) as editor:
                state = graph.nodes[node].apply(state, editor, collect_sql=True)
                said += editor.collected_sql
    return said


def test_a_model_rendered_alone_gives_the_same_statements(db):
    ours = statements(LoneState())
    assert ours == statements(ProjectState())
    assert len([line for line in ours if line.startswith("CREATE TABLE")]) > 20


def test_an_upgrade_goes_djangos_own_way(db):
    assert type(LoneExecutor(connection)._create_project_state(True)) is ProjectState


def test_it_is_the_command_that_migrates():
    assert get_commands()["migrate"] == "neiqin.config"
