"""A server of the company's own, named by NEIQIN_DATABASE_URL: what it must offer, and the role for the application."""

import psycopg
from psycopg import sql

from neiqin.config.postgres.binaries import MAJOR
from neiqin.config.postgres.cluster import Roles
from neiqin.config.postgres.problem import ClusterProblem


def ensure_roles(dsn: dict[str, str]) -> None:
    """Make sure that the login may become neiqin_app, which owns nothing. Raises ClusterProblem with the exact SQL."""
    try:
        connection = psycopg.connect(**dsn, autocommit=True, connect_timeout=10)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ClusterProblem(f"连不上 NEIQIN_DATABASE_URL 指定的数据库：{reason}。") from None
    with connection:
        if connection.info.server_version < MAJOR * 10_000:
            found = connection.info.server_version // 10_000
            raise ClusterProblem(f"NEIQIN_DATABASE_URL 指定的数据库是 PostgreSQL {found}，需要 {MAJOR} 或更高版本。")
        login = connection.info.user
        try:
            _create(connection, login)
        except psycopg.errors.InsufficientPrivilege:
            raise ClusterProblem(
                f"数据库用户 {login} 无权建立应用角色；请数据库管理员执行："
                f'CREATE ROLE {Roles.APP} NOLOGIN; GRANT {Roles.APP} TO "{login}";'
            ) from None


def _create(connection: psycopg.Connection, login: str) -> None:
    app, me = sql.Identifier(Roles.APP), sql.Identifier(login)
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [Roles.APP]).rowcount:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(app))
    row = connection.execute("SELECT pg_has_role(%s, %s, 'SET')", [login, Roles.APP]).fetchone()
    if not row or not row[0]:
        connection.execute(sql.SQL("GRANT {} TO {}").format(app, me))
