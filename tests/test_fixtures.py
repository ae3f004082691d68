"""The promises of tests/fixtures.py, on which all other tests stand."""

import threading

import pytest


def _ask(question: str) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_tests_work_as_the_role_of_the_application(superuser_connection):
    assert _ask("SELECT current_user::text") == "neiqin_app"
    assert superuser_connection.execute("SELECT current_user::text").fetchone() == ("postgres",)
    assert superuser_connection.info.dbname == _ask("SELECT current_database()::text")


def test_an_own_database_is_seen_by_other_threads(own_database):
    found = []

    def look() -> None:
        from django.db import connection

        found.append(_ask("SELECT current_database()::text"))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert found == [own_database, own_database]


def test_an_own_database_is_gone_afterwards(databases, django_db_setup):
    name = databases.clone()
    databases.drop(name)
    with databases.connect() as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0
