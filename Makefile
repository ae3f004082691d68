# Needs Python 3.11 or later and make; everything else is installed into .venv from requirements/*.txt.
#
#   make demo     set up, load the demo company, serve it        ARGS="--no-serve --json" for scripts
#   make start    serve one's own company; the first time it says how to open  ARGS="--host 0.0.0.0" for the whole office
#   make test     everything that CI runs: check, then all tests ARGS="-k name" to choose
#   make check    format, lint, types, import contracts, migrations, templates
#   make bench    benchmarks, a JSON object a line               BENCH=name for one
#   make clauses  which clauses of the regulations are proven
#   make fmt      format the code
#   make lock     renew requirements/*.txt from requirements/*.in

PYTHON ?= python3
JOBS ?= 2
PY := .venv/bin/python
# Settings are read by the checkers too; they must not make keys in the data folder of a running system.
CHECKING := NEIQIN_DATA=.neiqin-test/check NEIQIN_DATABASE_URL=

# Python keeps what it has compiled: a server starts in two thirds of the time, and the tests start dozens.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo start test check bench clauses fmt lock base dev
.NOTPARALLEL:

start: base
	@.venv/bin/neiqin up $(ARGS)

demo: base
	@.venv/bin/neiqin demo $(ARGS)

test: check
	@$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: dev
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(CHECKING) $(PY) -m mypy src/neiqin
	@$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo'])"
	@$(CHECKING) DJANGO_SETTINGS_MODULE=neiqin.config.settings $(PY) -W ignore::RuntimeWarning -m django makemigrations --check --dry-run
	@$(PY) -m djlint --quiet --profile=jinja --ignore=H015,H043,J018 --lint src/neiqin

bench: dev
	@$(PY) -m bench $(BENCH)

clauses: dev
	@$(PY) -m tests.clauses $(ARGS)

fmt: dev
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

base:
	@$(call install,base)

dev:
	@$(call install,dev)

# pip runs only when the lock, the project file or the place has changed: after that no network is asked for.
define install
set -e; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "需要 Python 3.11 或更高版本；可用 make PYTHON=python3.12 指定。" >&2; exit 2; }; \
key=$$( (cat requirements/$(1).txt requirements/base.in pyproject.toml; pwd) | cksum | tr ' ' '-'); \
if [ -f .venv/$(1)-$$key ] && $(PY) -c '' 2>/dev/null; then exit 0; fi; \
$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv \
  || { echo "无法建立 Python 虚拟环境；Debian/Ubuntu 请先安装 python3-venv。" >&2; exit 2; }; \
echo "正在安装依赖……" >&2; \
$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/$(1).txt >&2; \
$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . >&2; \
rm -f .venv/$(1)-*; touch .venv/$(1)-$$key; \
if [ $(1) = dev ]; then \
  base=$$( (cat requirements/base.txt requirements/base.in pyproject.toml; pwd) | cksum | tr ' ' '-'); \
  rm -f .venv/base-*; touch .venv/base-$$base; \
fi
endef

lock:
	@test -x build/lock/bin/pip-compile || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet pip-tools; }
	@$(call compile,base.txt requirements/base.in requirements/build.in)
	@$(call compile,dev.txt requirements/dev.in requirements/build.in)

define compile
CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links $(LOCKARGS) -o requirements/$(1)
endef
