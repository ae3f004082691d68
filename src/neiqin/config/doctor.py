"""`neiqin doctor`: independent checks, each with a verdict and a sentence that says what to do."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from neiqin.config import environment
from neiqin.config.postgres import Cluster, ClusterProblem, Roles, binaries
from neiqin.modules.orders.sources.configured import Misconfigured, sources

PARTITIONED = ("actions_run", "actions_event", "actions_change")
LITTLE_DISK = 1024**3
CLOCK_SKEW = timedelta(seconds=2)
LONGEST_WAITING = timedelta(minutes=30)
LONGEST_UNSEALED = timedelta(minutes=5)

Verdict = tuple[bool, str]
WITHOUT_DATABASE: dict[str, Callable[[], Verdict]] = {}
WITH_DATABASE: dict[str, Callable[[], Verdict]] = {}


def examine() -> list[dict[str, Any]]:
    """Run all checks; each gives name, ok, sentence. One that cannot run is not ok and does not stop the others."""
    found = [_verdict(name, check) for name, check in WITHOUT_DATABASE.items()]
    with _database() as problem:
        for name, check in WITH_DATABASE.items():
            found.append({"name": name, "ok": False, "sentence": problem} if problem else _verdict(name, check))
    return found


def _verdict(name: str, check: Callable[[], Verdict]) -> dict[str, Any]:
    try:
        ok, sentence = check()
    except ClusterProblem as problem:
        ok, sentence = False, problem.sentence
    except Exception as error:  # whatever it is, the other checks must still run
        said = str(error).strip().splitlines() or [type(error).__name__]
        ok, sentence = False, f"无法检查：{said[0]}。"
    return {"name": name, "ok": ok, "sentence": sentence}


@contextmanager
def _database() -> Iterator[str]:
    """Start the embedded database for the checks if it exists but does not run; gives a sentence when it cannot."""
    if environment.database_url():
        yield ""
        return
    cluster = Cluster(environment.data_folder())
    if not (cluster.data / "database.json").exists():
        yield "还没有建立数据库；请执行 neiqin up。"
        return
    try:
        cluster.attach()
    except ClusterProblem as problem:
        yield problem.sentence
        return
    try:
        yield ""
    finally:
        cluster.leave()


def check(name: str, database: bool = True) -> Callable[[Callable[[], Verdict]], Callable[[], Verdict]]:
    """Register a check under its Chinese name; database: whether it needs one."""

    def register(function: Callable[[], Verdict]) -> Callable[[], Verdict]:
        (WITH_DATABASE if database else WITHOUT_DATABASE)[name] = function
        return function

    return register


@check("Python 版本", database=False)
def python_version() -> Verdict:
    here = ".".join(map(str, sys.version_info[:3]))
    return sys.version_info >= (3, 11), f"Python {here}（需要 3.11 或更高）。"


@check("数据目录", database=False)
def data_folder() -> Verdict:
    data = environment.data_folder()
    try:
        with tempfile.TemporaryFile(dir=data):
            return True, f"{data} 可以写入。"
    except OSError as error:
        return False, f"{data} 不能写入（{error.strerror}）；请检查目录是否存在及其权限。"


@check("磁盘空间", database=False)
def disk_space() -> Verdict:
    free = shutil.disk_usage(environment.data_folder()).free
    said = f"剩余 {free / 1024**3:.1f} GB"
    return free >= LITTLE_DISK, f"{said}。" if free >= LITTLE_DISK else f"{said}，不足 1 GB；请清理磁盘。"


@check("取单来源", database=False)
def order_sources() -> Verdict:
    named = os.environ.get("NEIQIN_ORDER_SOURCES", "")
    path = Path(named) if named else environment.data_folder() / "order-sources.toml"
    try:
        count = len(sources(path))
    except Misconfigured as problem:
        return False, str(problem)
    return True, f"{path} 里有 {count} 个来源。" if count else "没有设自动取平台订单的来源。"


@check("数据库进程", database=False)
def server_process() -> Verdict:
    if environment.database_url():
        return True, "使用 NEIQIN_DATABASE_URL 指定的数据库。"
    alive = Cluster(environment.data_folder()).alive()
    return alive, "自带的数据库正在运行。" if alive else "自带的数据库没有运行；请执行 neiqin up。"


@check("数据库版本")
def server_version() -> Verdict:
    with _connect() as connection:
        found = connection.info.server_version
    return (
        found >= binaries.MAJOR * 10_000,
        f"PostgreSQL {found // 10_000}.{found % 10_000}（需要 {binaries.MAJOR} 或更高）。",
    )


@check("数据库用户")
def roles() -> Verdict:
    with _connect() as connection:
        row = connection.execute(
            "SELECT r.rolsuper OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r "
            "WHERE r.rolname = %s",
            [Roles.APP],
        ).fetchone()
    if row is None:
        return False, f"缺少用户 {Roles.APP}；请执行 neiqin migrate。"
    if row[0]:
        return False, f"用户 {Roles.APP} 拥有表或是超级用户，能够关闭操作记录；请收回这些权限。"
    return True, f"用户 {Roles.APP} 不拥有任何表。"


@check("表结构")
def migrations() -> Verdict:
    _django()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return not pending, f"有 {len(pending)} 项更新没有执行；请执行 neiqin migrate。" if pending else "已是最新。"


@check("下月分区")
def partitions() -> Verdict:
    month = (datetime.now(UTC).date().replace(day=1) + timedelta(days=32)).replace(day=1)
    wanted = [f"{table}_{month:%Y_%m}" for table in PARTITIONED]
    with _connect() as connection:
        missing = [
            name for name in wanted if connection.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,)
        ]
    if missing:
        return False, f"缺少 {'、'.join(missing)}；后台任务会自动建立，请确认它在运行，或执行 neiqin migrate。"
    return True, f"{month:%Y 年 %m 月}的分区已建立。"


@check("默认分区")
def default_partitions() -> Verdict:
    with _connect() as connection:
        used = [
            table
            for table in PARTITIONED
            if connection.execute(f"SELECT EXISTS (SELECT FROM {table}_default)").fetchone() == (True,)
        ]
    return (
        not used,
        f"{'、'.join(used)} 的默认分区里有记录（缺少本月的分区）；数据没有丢失，"
        "后台任务每小时把它转成正式分区，请确认它在运行，或执行 neiqin migrate。"
        if used
        else "是空的。",
    )


@check("封存")
def seals() -> Verdict:
    _django()
    from neiqin.kernel.actions import seals

    lag = seals.lag()
    if lag > LONGEST_UNSEALED:
        return False, f"最早的未封存记录已有 {int(lag.total_seconds() // 60)} 分钟；请确认后台任务在运行、没有长事务。"
    return True, f"未封存的记录不超过 {int(lag.total_seconds())} 秒。"


@check("后台反应")
def reactions() -> Verdict:
    _django()
    from neiqin.kernel.actions.models import Cursor

    failing = list(Cursor.objects.exclude(problem="").values_list("name", "problem"))
    said = "；".join(f"{name}：{problem[:120]}" for name, problem in failing)
    return not failing, f"有任务没有做成，会再试：{said}。" if failing else "没有失败的任务。"


@check("后台任务")
def jobs() -> Verdict:
    with _connect() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'), "
            "count(*) FILTER (WHERE status = 'failed'), "
            "array_agg(DISTINCT task_name) FILTER (WHERE status = 'failed'), "
            "now() - min(due) FILTER (WHERE status = 'todo') "
            "FROM procrastinate_jobs j, LATERAL (SELECT greatest(scheduled_at, "
            "(SELECT max(at) FROM procrastinate_events e WHERE e.job_id = j.id)) AS due) d"
        ).fetchone()
    waiting, running, failed, names, longest = row or (0, 0, 0, None, None)
    said = f"等待 {waiting} 个，正在做 {running} 个"
    if failed:
        return False, f"{said}；最近七天有 {failed} 个没有做成（{'、'.join(names)}），原因见日志。"
    if longest is not None and longest > LONGEST_WAITING:
        minutes = int(longest.total_seconds() // 60)
        return False, f"{said}；最早的已等了 {minutes} 分钟，请确认后台任务在运行。"
    return True, f"{said}，没有失败的。"


@check("附件")
def files() -> Verdict:
    _django()
    from neiqin.kernel.files.models import Attachment
    from neiqin.kernel.files.store import looks_whole

    rows = Attachment.objects.filter(file__isnull=False).select_related("file").order_by("id")
    bad = [row for row in rows.iterator() if row.file is not None and not looks_whole(row.file)]
    if bad:
        named = "、".join(f"{row.name}（{row.kind} {row.record_id}）" for row in bad[:3])
        return False, f"{len(bad)} 个附件不见了或被改动过：{named}；请从备份取回，再执行 neiqin verify --files。"
    return True, f"{rows.count()} 个附件都在；逐字核对用 neiqin verify --files。"


@check("静态文件", database=False)
def static_files() -> Verdict:
    there = (environment.data_folder() / "static/staticfiles.json").is_file()
    return there, "已生成。" if there else "没有生成；请执行 neiqin migrate。"


@check("时钟")
def clock() -> Verdict:
    with _connect() as connection:
        before = datetime.now(UTC)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    skew = abs(row[0] - before) if row else timedelta.max
    if skew > CLOCK_SKEW:
        return False, f"本机与数据库的时钟相差 {skew.total_seconds():.0f} 秒；请启用时间同步（NTP）。"
    if date.today().year < 2026 or time.time() < os.stat(__file__).st_mtime - 86400:  # noqa: DTZ011
        return False, "本机时钟明显偏慢；请校准时间。"
    return True, "正常。"


@check("HTTPS", database=False)
def https() -> Verdict:
    if os.environ.get("NEIQIN_HTTPS") == "1":
        return True, "已启用（由前面的反向代理提供证书）。"
    said = "没有启用；对外使用时请在反向代理上配置证书并设置 NEIQIN_HTTPS=1。"
    # Whoever names hosts serves others; on one's own machine plain HTTP is in order.
    return not os.environ.get("NEIQIN_HOSTS"), said


def _connect() -> psycopg.Connection:
    return psycopg.connect(**environment.dsn(Roles.OWNER), connect_timeout=5)  # type: ignore[arg-type]


def _django() -> None:
    from neiqin.config.setup import setup_as

    setup_as("app")
