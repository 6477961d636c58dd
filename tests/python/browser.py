"""Finds a real browser, and drives it by the DevTools protocol over two pipes.

No client library: a message is one JSON object that ends with a zero byte, on file
descriptor 3 to the browser and on 4 from it. No port is opened.
"""

import base64
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHED = REPOSITORY / ".browser"
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
APPLICATIONS = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
FLAGS = [
    "--headless",
    "--remote-debugging-pipe",
    # The pages are the tests' own, and a container's root has no sandbox.
    "--no-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
    "--font-render-hinting=none",
]
PATIENCE = 60
WITHOUT = "WEIR_WITHOUT_BROWSER"


class BrowserError(Exception):
    """There is no browser, or it did not do what it was told."""


def find() -> Path | None:
    """Return the browser of `CHROME`, of the machine, or the one that was fetched."""
    named = os.environ.get("CHROME")
    if named:
        path = shutil.which(named)
        if path is None:
            raise BrowserError(f"CHROME is {named}, and that is no program")
        return Path(path)
    installed = (shutil.which(name) for name in [*NAMES, *APPLICATIONS])
    fetched = FETCHED / "chromium"
    found = next((Path(path) for path in installed if path), None)
    return found or (fetched if fetched.is_file() else None)


def is_left_out() -> bool:
    """Return whether the user chose to go without a browser."""
    return os.environ.get(WITHOUT, "") not in ("", "0")


def what_is_missing() -> str | None:
    """Return why no browser can be used here, and what to do about it."""
    try:
        program = find()
        if program is None:
            fetch = f"python tests/browser/fetch.py {FETCHED}"
            return (
                f"no Chromium or Chrome is found; install one, set CHROME to one, run "
                f"`{fetch}`, or set {WITHOUT}=1 to go without these tests"
            )
        with Browser(program) as browser:
            print(f"{program}: {browser.call('Browser.getVersion')['product']}")
    except (BrowserError, OSError) as error:
        return f"the browser cannot be used: {error}; set {WITHOUT}=1 to go without"
    return None


class Browser:
    """A browser that runs as long as the `with` block, and one page in it."""

    def __init__(self, program: Path) -> None:
        """Say which program to run."""
        self.program = program
        self.events: list[dict[str, Any]] = []
        self._buffer = b""
        self._sent = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        """Start it, with a profile of its own, and attach to a new page."""
        self._profile = tempfile.TemporaryDirectory(
            prefix="weir-browser-", ignore_cleanup_errors=True
        )
        own = self.program.parent == FETCHED
        environment = dict(os.environ, HOME=self._profile.name)
        if own:
            environment["LD_LIBRARY_PATH"] = str(FETCHED / "lib")
            environment["FONTCONFIG_PATH"] = str(FETCHED)
        # The shell makes them 3 and 4, whatever numbers are free here.
        script = 'exec "$0" "$@" 3<&0 4>&1 </dev/null 1>&2'
        self._log = Path(self._profile.name, "log").open("wb")
        profile = f"--user-data-dir={self._profile.name}/profile"
        self._process = subprocess.Popen(
            ["sh", "-c", script, self.program, *FLAGS, profile, "about:blank"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            bufsize=0,
            start_new_session=True,
        )
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call(
                "Target.attachToTarget", targetId=target, flatten=True
            )["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and remove its profile."""
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserError(f"{self.program} has ended: {self._said()}") from error
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(end)
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _receive(self, end: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\0" not in self._buffer:
            with selectors.DefaultSelector() as selector:
                selector.register(self._process.stdout, selectors.EVENT_READ)
                ready = selector.select(max(0.0, end - time.monotonic()))
            if not ready:
                raise BrowserError(f"{self.program} does not answer: {self._said()}")
            part = os.read(self._process.stdout.fileno(), 1 << 20)
            if not part:
                raise BrowserError(f"{self.program} has ended: {self._said()}")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _said(self) -> str:
        return Path(self._log.name).read_text(errors="replace")[-2000:]

    def open(self, url: str) -> None:
        """Load a page, and wait until it has loaded."""
        self.events.clear()
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise BrowserError(f"{url}: {failed}")
        end = time.monotonic() + PATIENCE
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive(end))

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page a window of this size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.settle()

    def dark(self, *, on: bool) -> None:
        """Say which colours the person prefers."""
        value = "dark" if on else "light"
        feature = {"name": "prefers-color-scheme", "value": value}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been laid out and painted anew."""
        frames = "requestAnimationFrame(() => requestAnimationFrame(done))"
        self.run(f"new Promise(done => {frames})")

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Print the page, with its own paper size."""
        printed = self.call(
            "Page.printToPDF", preferCSSPageSize=True, printBackground=True
        )
        return base64.b64decode(printed["data"])

    def complaints(self) -> list[str]:
        """Return what the console and the log say of the page, warnings too."""
        found = []
        for event in self.events:
            match event["method"], event["params"]:
                case "Runtime.exceptionThrown", said:
                    found.append(str(said["exceptionDetails"]))
                case "Runtime.consoleAPICalled", said:
                    found.append(f"{said['type']}: {said['args']}")
                case "Log.entryAdded", said:
                    found.append(f"{said['entry']['level']}: {said['entry']['text']}")
        return found

    def requests(self) -> list[str]:
        """Return every address that the page asked for, its own among them."""
        sent = (e for e in self.events if e["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]


if __name__ == "__main__":
    raise SystemExit(what_is_missing())
