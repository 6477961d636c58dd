"""Fetches a headless Chromium into a folder: `python tests/browser/fetch.py FOLDER`.

It comes from an npm package that carries the program and the libraries it needs, so
neither root nor a package of the system is asked for. Linux on x86-64 only; elsewhere
install a browser, which is then used.
"""

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import brotli

PACKAGE = "@sparticuz/chromium@153.0.0"
SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
WAY_OUT = (
    "install Chromium or Chrome, or say where one is with CHROME=/path/to/chrome, "
    "or set WEIR_WITHOUT_BROWSER=1 to go without the tests of the report's page"
)
# The package's own list of font folders is that of a Lambda function.
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
</fontconfig>
"""


def npm() -> str:
    """Return the machine's npm, or the one that was installed beside this Python."""
    beside = shutil.which("npm", path=str(Path(sys.executable).parent))
    found = shutil.which("npm") or beside
    if found is None:
        raise SystemExit(f"there is no npm to fetch a browser with; {WAY_OUT}")
    return found


def fetch(folder: Path) -> Path:
    """Return the package's file, or stop and say why it is not used."""
    call = [npm(), "pack", "--silent", PACKAGE]
    packed = subprocess.run(call, cwd=folder, capture_output=True, text=True)
    files = list(folder.glob("*.tgz"))
    if packed.returncode != 0 or len(files) != 1:
        said = (packed.stderr or packed.stdout).strip()[-500:]
        raise SystemExit(f"{PACKAGE} could not be fetched ({said}); {WAY_OUT}")
    with files[0].open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != SHA256:
        raise SystemExit(
            f"{PACKAGE} has SHA-256 {found} instead of {SHA256}; it is not used. "
            "See who is between you and the npm registry"
        )
    return files[0]


def unpack(package: Path, target: Path) -> None:
    """Lay program, libraries and fonts into a folder, the program last."""
    with tarfile.open(package) as files:

        def content(name: str) -> bytes:
            member = files.extractfile(f"package/bin/{name}.br")
            assert member is not None, name
            return brotli.decompress(member.read())

        for name in ("al2023.tar", "swiftshader.tar", "fonts.tar"):
            with tarfile.open(fileobj=io.BytesIO(content(name))) as inner:
                inner.extractall(target, filter="data")
        fonts = FONTS.format(folder=target.resolve())
        (target / "fonts.conf").write_text(fonts, encoding="utf-8")
        half = target / "chromium.part"
        half.write_bytes(content("chromium"))
    half.chmod(0o755)
    half.rename(target / "chromium")


def main() -> None:
    """Fetch it, unless it is there."""
    target = Path(sys.argv[1])
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        system = f"{platform.system()} on {platform.machine()}"
        raise SystemExit(f"no browser to fetch for {system}; {WAY_OUT}")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        unpack(fetch(Path(folder)), target)


if __name__ == "__main__":
    main()
