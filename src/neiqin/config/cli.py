"""The `neiqin` command. Each sub-command is a function; Django is loaded only by those that need it."""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from neiqin.config import environment, keys, prepare
from neiqin.config.postgres import Cluster, ClusterProblem, Roles, locks

PROBLEM = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one sub-command; 0 is success, 1 a negative finding, 2 a problem told in one sentence."""
    given = _parser().parse_args(arguments)
    if given.data:
        os.environ["NEIQIN_DATA"] = str(Path(given.data).expanduser().absolute())
    # So that every `with` is left in order; `up` has handlers of its own once it serves.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(given.run(given) or 0)
    except ClusterProblem as problem:
        print(problem.sentence, file=sys.stderr)
        return PROBLEM
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def up(given: argparse.Namespace) -> int:
    """Run database, web, worker and jobs until SIGTERM or Ctrl-C."""
    from neiqin.config.supervisor import OFFICE_STOP_SECONDS, Supervisor, answers, end_leftovers, office, port_is_free

    data = environment.data_folder()
    with _only_one(data) as address:
        if address is None:
            print(f"已经在运行：{_read_address(data)}（数据目录 {data}）。")
            return 0
        end_leftovers(data)
        if not port_is_free(given.host, given.port):
            raise ClusterProblem(f"端口 {given.port} 已被占用；请用 --port 换一个端口。")
        with _database() as cluster:
            _prepare()
            url = f"http://{_name_of(given.host)}:{given.port}/"
            address.write_text(url)
            serving = ["--host", given.host, "--port", str(given.port), "--workers", str(given.workers)]
            serving += ["--threads", str(given.threads), *(["--no-worker"] if given.no_worker else [])]

            def ready() -> bool:
                if served := answers(given.host, given.port):
                    _welcome(url, data)
                return served

            Supervisor([office(serving, data)], cluster, ready, OFFICE_STOP_SECONDS).run()
    return 0


def migrate(given: argparse.Namespace) -> int:
    """Bring tables and static files up to this code."""
    with _database():
        prepare.prepare(verbosity=1)
    print("数据库已是最新。")
    return 0


def demo(given: argparse.Namespace) -> int:
    """Fill an empty installation with the demo company, then serve it. In a folder of its own, for practice."""
    if not os.environ.get("NEIQIN_DATA"):
        usual = environment.data_folder()
        os.environ["NEIQIN_DATA"] = str(usual.with_name(f"{usual.name}-demo"))
    with _database():
        _prepare()
        found = json.loads(_in_child("neiqin.config.demo", capture=True).splitlines()[-1])
        if given.json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            _introduce(found)
        if given.no_serve:
            return 0
        given.port = _free_port(given.host, given.port)
        return up(given)


def token(given: argparse.Namespace) -> int:
    """Print a new API token of a person."""
    with _django("app"):
        from neiqin.kernel.people import tokens

        try:
            print(tokens.issue(given.login))
        except LookupError as error:
            raise ClusterProblem(str(error)) from None
    return 0


def unlock(given: argparse.Namespace) -> int:
    """Let an administrator in again who is locked, or outside the networks of administration."""
    with _django("app"):
        from neiqin.kernel.people import safety

        try:
            print(safety.let_in(given.login))
        except LookupError as error:
            raise ClusterProblem(str(error)) from None
    return 0


def verify(given: argparse.Namespace) -> int:
    """Recompute the chain of seals, and on request every file's hash; 1 when something does not hold."""
    with _django("app"):
        from neiqin.kernel.actions import seals
        from neiqin.kernel.files import care

        found = seals.verify()
        if given.files:
            found["files"] = [vars(damage) for damage in care.verify_all()]
            found["ok"] = found["ok"] and not found["files"]
    print(json.dumps(found, ensure_ascii=False, default=str))
    return 0 if found.get("ok") else 1


def reindex(given: argparse.Namespace) -> int:
    """Bring the search index in line with the records; stopped halfway, the next call goes on."""
    with _django("app"):
        from neiqin.kernel.resources import finding
        from neiqin.kernel.resources.resource import site

        for resource in site().resources.values():
            done = finding.mend(resource, partial(_progress, resource.label))
            print(f"{resource.label}：补写 {done:,} {resource.noun}，搜索索引已齐。")
    return 0


def _progress(label: str, done: int) -> None:
    print(f"{label}：已写 {done:,} 条……", file=sys.stderr, flush=True)


def rotate_keys(given: argparse.Namespace) -> int:
    """Make a new master key and bring everything under it; go on with it if that was interrupted."""
    data = environment.data_folder()
    with _only_one(data) as address:
        if address is None:
            raise ClusterProblem("系统正在运行；请先执行 neiqin stop，再更换主密钥。")
        with _django("app"):
            from neiqin.config import rotation

            newest, old, counts = rotation.rotate(data)
    print(f"已换成 {newest}：" + "，".join(f"{label} {count:,}" for label, count in counts.items()) + "。")
    print(f"先备份 {data / 'keys' / newest}。{'、'.join(old)} 已没有数据在用，可以移走；更早的备份要恢复时还用得到。")
    return 0


def backup(given: argparse.Namespace) -> int:
    """Back up the live system into one file."""
    from neiqin.config import backup as backups

    target = Path(given.file or f"neiqin-{time.strftime('%Y%m%d-%H%M%S')}.tar").absolute()
    with _database():
        manifest = backups.backup(target, given.with_keys)
    if given.json:
        print(json.dumps({"file": str(target), "members": len(manifest["members"])}, ensure_ascii=False))
        return 0
    print(f"已备份到 {target}（{target.stat().st_size / 1024**2:.1f} MB）。")
    if given.with_keys:
        print("备份含有密钥：得到它的人能读出全部个人信息，请加密保管。")
    else:
        folder = environment.data_folder() / "keys"
        named = "、".join(f"{name}.key" for name in (*keys.master_names(environment.data_folder()), "secret"))
        print(f"备份不含密钥：请另行妥善保管 {folder} 中的 {named}，缺少它们无法恢复。")
    return 0


def restore(given: argparse.Namespace) -> int:
    """Replace this installation by a backup, open a new era of the chain, and verify it."""
    from neiqin.config import backup as backups

    source, data = Path(given.file).absolute(), environment.data_folder()
    with _only_one(data) as address:
        if address is None:
            raise ClusterProblem("系统正在运行；请先执行 neiqin stop，再恢复。")
        with tempfile.TemporaryDirectory(dir=data, prefix=".restore-") as name:
            workshop = Path(name)
            manifest = backups.read(source, workshop)
            backups.put_keys(manifest, workshop, data, given.force)
            with _database():
                files, found = _put_back(source, workshop, given.force)
    result = {"restored": str(source), "created_at": manifest["created_at"], "files": files, "verify": found}
    print(json.dumps(result, ensure_ascii=False, default=str))
    return 0 if found.get("ok") else 1


def _put_back(source: Path, workshop: Path, force: bool) -> tuple[int, dict[str, Any]]:
    from neiqin.config import backup as backups

    if environment.database_url():
        from neiqin.config.postgres import outside

        outside.ensure_roles(environment.dsn(Roles.OWNER))
    # The backup may be older than this code. First, so that also a start after a kill prepares what is there then.
    prepare.forget()
    backups.put_database(workshop, force)
    files = backups.put_files(workshop, environment.data_folder())
    begun = datetime.now(UTC)
    _prepare()
    with _django("app"):
        from neiqin.kernel.actions import seals
        from neiqin.kernel.resources.resource import site

        seals.open_era(f"restore {source.name}", since=begun)
        for do in (do for module in site().modules for do in module.restored):
            do()
        return files, seals.verify()


def doctor(given: argparse.Namespace) -> int:
    """Check the installation; 1 when something needs attention."""
    from neiqin.config import doctor as doctors

    found = doctors.examine()
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for one in found:
            print(f"{'✓' if one['ok'] else '✗'} {one['name']}：{one['sentence']}")
    return 0 if all(one["ok"] for one in found) else 1


def export(given: argparse.Namespace) -> int:
    """Write all records of one kind as a table, as the given person may see them."""
    with _django("app"):
        from neiqin.config import tables

        form = "xlsx" if given.output.endswith(".xlsx") else "csv"
        if given.output:
            with Path(given.output).open("xb") as out:
                print(f"导出 {tables.write(given.kind, given.login, out, form):,} 行到 {given.output}。")
        else:
            tables.write(given.kind, given.login, sys.stdout.buffer)
    return 0


def import_(given: argparse.Namespace) -> int:
    """Import a file as the given person: a dry run, and with --yes the writing."""
    with _django("app"):
        from neiqin.config import tables

        found = tables.read(given.kind, given.login, Path(given.file), given.mode, go=given.yes)
    print(json.dumps(found, ensure_ascii=False))
    return 0


def stop(given: argparse.Namespace) -> int:
    """Stop whatever runs on this data folder."""
    data = environment.data_folder()
    stopped = _stop_supervisor(data)
    stopped = Cluster(data).stop() or stopped
    print("已停止。" if stopped else "没有在运行。")
    return 0


# What the commands share


@contextmanager
def _database() -> Iterator[Cluster | None]:
    """The embedded cluster runs inside the block; None with an outside server."""
    if environment.database_url():
        yield None
        return
    with Cluster(environment.data_folder()).used() as cluster:
        yield cluster


@contextmanager
def _django(role: str) -> Iterator[None]:
    """Database and Django inside the block."""
    from neiqin.config.setup import setup_as

    with _database():
        setup_as(role)
        from django.db import connections

        try:
            yield
        finally:
            connections.close_all()
            for connection in connections.all():
                connection.close_pool()  # type: ignore[attr-defined]


@contextmanager
def _only_one(data: Path) -> Iterator[Path | None]:
    """The file that holds the address of the running `up`; None when another one runs on this folder."""
    try:
        keys.make_data_folder(data)
    except OSError as error:
        raise ClusterProblem(f"数据目录 {data} 不能使用：{error.strerror}；请用 --data 换一个数据目录。") from error
    with locks.exclusive(data / "locks/up", wait=0) as first:
        if not first:
            yield None
            return
        pid, address = data / "locks/up.pid", data / "locks/up.address"
        pid.write_text(str(os.getpid()))
        try:
            yield address
        finally:
            pid.unlink(missing_ok=True)
            address.unlink(missing_ok=True)


def _read_address(data: Path) -> str:
    try:
        return (data / "locks/up.address").read_text()
    except FileNotFoundError:
        return "正在启动"


def _stop_supervisor(data: Path) -> bool:
    # Only a held lock proves that the noted id is our supervisor.
    if not (data / "locks").is_dir() or locks.free(data / "locks/up"):
        return False
    try:
        os.kill(int((data / "locks/up.pid").read_text()), 15)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    end = time.monotonic() + 60
    while time.monotonic() < end and not locks.free(data / "locks/up"):
        time.sleep(0.05)
    return True


def _name_of(host: str) -> str:
    """What others call this machine; of all its addresses the one that leads out. Nothing is sent."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104
        return f"[{host}]" if ":" in host else host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def _welcome(url: str, data: Path) -> None:
    print(f"内勤已启动：{url}", flush=True)
    with contextlib.suppress(FileNotFoundError):
        code = (data / "start-code").read_text()
        print(f"第一次启动，打开 {url}start/?code={code} 建第一个账号。", flush=True)


def _prepare() -> None:
    if prepare.needed():
        _in_child("neiqin.config.prepare")


def _in_child(module: str, capture: bool = False) -> str:
    """Run a module that needs Django without keeping Django in this process."""
    done = subprocess.run(
        [sys.executable, "-m", module], check=False, stdout=subprocess.PIPE if capture else None, text=True
    )
    if done.returncode == PROBLEM:
        raise SystemExit(PROBLEM)
    if done.returncode:
        raise ClusterProblem(f"{module.rpartition('.')[2]} 没有完成，原因见上面的输出。")
    return done.stdout or ""


def _free_port(host: str, port: int) -> int:
    from neiqin.config.supervisor import port_is_free

    return next(p for p in range(port, port + 200) if port_is_free(host, p))


def _introduce(found: dict[str, Any]) -> None:
    counts, morning = found["counts"], found["morning"]
    print(
        f"演示公司：{counts['people']} 人，{counts['customers']:,} 家客户，{counts['products']} 个产品，"
        f"{counts['orders']:,} 张订单。"
    )
    orders = morning["orders"]
    print(f"订单台的一个上午（真实订单文件 {orders['count']} 单，含税 {Decimal(orders['amount']):,.2f}）：")
    for step in morning["steps"]:
        note = f"；{step['note']}" if step["note"] else ""
        print(f"  {step['label']}：{step['count']:,}{note}（{step['seconds']} 秒）")
    for number in morning["daily"]:
        print(f"  日报 {number['label']}：{number['count']:,} 单，{Decimal(number['amount']):,.2f}")
    print(f"  留到今天：{morning['waiting']} 单等审批。")
    print("登录账号：")
    for login in found["logins"]:
        print(f"  {login['login']:<12} 密码 {login['password']:<16} {login['name']} {login['position']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="neiqin", description="内勤：销售内勤管理系统")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", metavar="目录", help="数据目录（默认：NEIQIN_DATA，或当前目录的 .neiqin）")
    serving = argparse.ArgumentParser(add_help=False)
    serving.add_argument("--port", type=int, default=8000, help="网页端口（默认 8000）")
    serving.add_argument("--host", default="127.0.0.1", help="监听地址（默认只在本机）")
    serving.add_argument("--workers", type=int, default=1, help="网页进程数（默认 1）")
    serving.add_argument("--threads", type=int, default=4, help="每个网页进程同时处理的请求数（默认 4）")
    serving.add_argument("--no-worker", action="store_true", help="不启动后台任务进程")
    commands = parser.add_subparsers(title="命令", metavar="命令", required=True)

    def command(name: str, run: Any, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[shared, *parents])
        made.set_defaults(run=run)
        return made

    command("up", up, "启动系统：数据库、网页和后台任务", serving)
    command("migrate", migrate, "更新数据库表结构和静态文件")
    made = command("demo", demo, "建立演示公司并启动", serving)
    made.add_argument("--no-serve", action="store_true", help="完成后退出，不启动网页")
    made.add_argument("--json", action="store_true", help="结果输出为一行 JSON")
    command("token", token, "为某人生成 API 令牌").add_argument("login", metavar="登录名")
    command("unlock", unlock, "解锁某人的账号，并取消管理地址限制").add_argument("login", metavar="登录名")
    command("reindex", reindex, "补齐搜索索引：缺的、旧的重写，已齐的不动")
    made = command("verify", verify, "验证操作记录没有被改动")
    made.add_argument("--json", action="store_true", help="输出 JSON（默认）")
    made.add_argument("--files", action="store_true", help="连同每个附件的内容一起核对")
    command("rotate-keys", rotate_keys, "更换主密钥（先停系统；中断后再执行会接着做）")
    made = command("backup", backup, "备份正在运行的系统到一个文件")
    made.add_argument("file", nargs="?", metavar="文件", help="默认 neiqin-日期-时间.tar")
    made.add_argument("--with-keys", action="store_true", help="连同密钥一起备份（默认不含）")
    made.add_argument("--json", action="store_true", help="结果输出为一行 JSON")
    made = command("restore", restore, "从备份恢复，并验证操作记录")
    made.add_argument("file", metavar="文件")
    made.add_argument("--force", action="store_true", help="覆盖已有的数据和密钥")
    made = command("doctor", doctor, "检查安装是否正常")
    made.add_argument("--json", action="store_true", help="输出 JSON")
    made = command("export", export, "导出某类记录（默认 CSV 到标准输出）")
    made.add_argument("kind", metavar="类别", help="例如 customers")
    made.add_argument("--login", default="", metavar="登录名", help="按此人可见的范围导出（默认全部）")
    made.add_argument("--output", default="", metavar="文件", help="写到文件，.xlsx 或 .csv")
    made = command("import", import_, "导入一个表格（xlsx、xls、csv），先试算")
    made.add_argument("kind", metavar="类别", help="例如 customers")
    made.add_argument("file", metavar="文件")
    made.add_argument("--login", required=True, metavar="登录名", help="以谁的身份导入")
    made.add_argument("--mode", default="new", metavar="方式", help="new、update、both 或 pool")
    made.add_argument("--yes", action="store_true", help="试算后写入（默认只试算）")
    command("stop", stop, "停止正在运行的系统")
    return parser


if __name__ == "__main__":
    sys.exit(main())
