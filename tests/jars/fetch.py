"""Fetches the jars of jars.txt into a folder: `python tests/jars/fetch.py FOLDER`.

A jar that is there already and has the right SHA-256 is not fetched again. A fetched
one gets its name only when it is whole and checked.
"""

import hashlib
import sys
import urllib.request
from pathlib import Path

MAVEN_CENTRAL = "https://repo1.maven.org/maven2/"
LIST = Path(__file__).with_name("jars.txt")


def wanted() -> dict[str, str]:
    """Return the SHA-256 of each jar by its path."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return {path: digest for digest, path in pairs}


def digest(file: Path) -> str:
    """Return a file's SHA-256."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch(path: str, expected: str, target: Path) -> None:
    """Fetch one jar, or stop and say why it is not used."""
    half = target.with_suffix(".part")
    try:
        with urllib.request.urlopen(MAVEN_CENTRAL + path, timeout=120) as source:
            half.write_bytes(source.read())
    except OSError as error:
        raise SystemExit(
            f"{MAVEN_CENTRAL}{path} could not be fetched ({error}); "
            f"put the file at {target} yourself, or try again"
        ) from None
    found = digest(half)
    if found != expected:
        half.unlink()
        raise SystemExit(
            f"{MAVEN_CENTRAL}{path} has SHA-256 {found} instead of {expected}; "
            "it is not used. See who is between you and Maven Central"
        )
    half.rename(target)


def main() -> None:
    """Fetch what is missing."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path, expected in wanted().items():
        target = folder / Path(path).name
        if not target.is_file() or digest(target) != expected:
            print(f"fetching {target.name}", flush=True)
            fetch(path, expected, target)


if __name__ == "__main__":
    main()
