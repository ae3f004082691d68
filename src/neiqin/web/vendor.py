"""Fetches the vendored scripts and builds the icon sprite; its result is committed.

    python -m neiqin.web.vendor        needs npm on the PATH; nothing that npm brings is run or built

Versions are pinned here and listed in static/neiqin/vendor/VENDORED.md. icons.txt names the icons in use.
"""

import io
import pathlib
import re
import subprocess
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STATIC = HERE / "static/neiqin"
SCRIPTS = {
    "htmx.org@4.0.1": ("dist/htmx.min.js", "htmx.min.js"),
    "@alpinejs/csp@3.17.4": ("dist/cdn.min.js", "alpine-csp.min.js"),
}
ICONS = "@tabler/icons@3.51.0"


def main() -> None:
    """Write the vendored scripts and icons.svg."""
    (STATIC / "vendor").mkdir(parents=True, exist_ok=True)
    for spec, (inside, name) in SCRIPTS.items():
        with _package(spec) as tar:
            # Source maps are not shipped, and the manifest storage refuses a reference to a missing file.
            text = re.sub(r"\n?//# sourceMappingURL=.*", "", _read(tar, inside))
            (STATIC / "vendor" / name).write_text(text, encoding="utf-8")
    with _package(ICONS) as tar:
        names = (HERE / "icons.txt").read_text(encoding="utf-8").split()
        (STATIC / "icons.svg").write_text(_sprite(tar, names), encoding="utf-8")


def _sprite(tar: tarfile.TarFile, names: list[str]) -> str:
    parts = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name in names:
        found = re.search(r"<svg[^>]*>(.*)</svg>", _read(tar, f"icons/outline/{name}.svg"), re.DOTALL)
        body = "".join(line.strip() for line in found.group(1).splitlines()) if found else ""
        parts.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    return "\n".join([*parts, "</svg>", ""])


def _read(tar: tarfile.TarFile, inside: str) -> str:
    file = tar.extractfile(f"package/{inside}")
    if file is None:
        raise FileNotFoundError(inside)
    return file.read().decode()


def _package(spec: str) -> tarfile.TarFile:
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run(["npm", "pack", "--silent", spec], cwd=folder, check=True, capture_output=True, text=True)
        data = pathlib.Path(folder, out.stdout.strip().splitlines()[-1]).read_bytes()
    return tarfile.open(fileobj=io.BytesIO(data), mode="r:gz")


if __name__ == "__main__":
    main()
