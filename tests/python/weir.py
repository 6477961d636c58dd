"""Runs the program under test as its users do, and reads what it leaves behind."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("WEIR_BIN", REPOSITORY / "target/debug/weir")).resolve()
EXAMPLES = REPOSITORY / "examples"

ALL_WELL = 0
FAILED = 1
NOT_ALL_WELL = 3


@dataclass(frozen=True)
class Outcome:
    """What one call said."""

    call: list[str]
    code: int
    stdout: str
    stderr: str

    def check(self, code: int = ALL_WELL) -> "Outcome":
        """Insist on an exit code; the program's own words are the best message."""
        assert self.code == code, (
            f"exit {self.code} instead of {code}: {' '.join(self.call)}\n"
            f"{self.stdout}{self.stderr}"
        )
        return self

    def json(self) -> Any:
        """Return what `--output json` printed."""
        return json.loads(self.stdout)


def run(*arguments: str | Path | int) -> Outcome:
    """Call the program and wait for it."""
    call = [str(BINARY), *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, timeout=300, check=False)
    return Outcome(call, done.returncode, done.stdout.decode(), done.stderr.decode())


def contract(table: str, properties: list[Any], settings: dict[str, Any]) -> str:
    """Return a contract's text. YAML holds JSON, so no YAML writer is needed."""
    custom = [{"property": key, "value": value} for key, value in settings.items()]
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"test-{table}",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            {
                "name": table,
                "logicalType": "object",
                "customProperties": custom,
                "properties": properties,
            }
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)
