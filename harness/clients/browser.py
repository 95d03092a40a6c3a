# SPDX-License-Identifier: MIT
"""A headless Chromium of one's own, driven through a pair of pipes (its DevTools protocol)."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserError(Exception):
    """It cannot be started, did not answer in time, or a script in it failed."""


def command():
    """How it is started; None: there is none here."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser with one page. What pages complain about is in `complaints`."""

    def __init__(self, patience=60.0):
        self.patience = patience
        self.complaints = []
        self._last = 0
        self._loaded = False
        self._buffer = b""
        self._folder = tempfile.mkdtemp(prefix="vfiosim-browser-")
        try:
            self._start()
        except (BrowserError, OSError):
            self.close()
            raise

    def _start(self):
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        # It wants the pipes as descriptors 3 and 4; a shell moves them there.
        os.set_inheritable(theirs_in, True)
        os.set_inheritable(theirs_out, True)
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "browser", command(), "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--disable-ipc-flooding-protection", "--remote-debugging-pipe", "--window-size=1400,900",
             f"--user-data-dir={self._folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out), start_new_session=True,
            env={**os.environ, "HOME": self._folder})
        os.close(theirs_in)
        os.close(theirs_out)
        page = next((t for t in self._ask("Target.getTargets")["targetInfos"]
                     if t["type"] == "page"), None)
        if not page:
            raise BrowserError("it opens no page")
        self._session = self._ask("Target.attachToTarget", targetId=page["targetId"],
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def _message(self, deadline):
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                raise BrowserError(f"no answer within {self.patience:.0f} s")
            got = os.read(self._from, 1 << 20)
            if not got:
                raise BrowserError("it ended")
            self._buffer += got
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _hear(self, message):
        """An event."""
        name, values = message.get("method"), message.get("params", {})
        if name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Log.entryAdded":
            self.complaints.append(values["entry"]["text"])
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(values["exceptionDetails"]["text"])
        elif name == "Runtime.consoleAPICalled":
            self.complaints.append(str(values["args"]))
        elif name == "Network.requestWillBeSent":
            url = values["request"]["url"]
            if not url.startswith(("file:", "data:", "about:")):
                self.complaints.append(f"it fetches {url}")

    def _ask(self, method, session=None, **arguments):
        self._last += 1
        message = {"id": self._last, "method": method, "params": arguments}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self.patience
        while True:
            answer = self._message(deadline)
            if answer.get("id") != self._last:
                self._hear(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def ask(self, method, **arguments):
        """A command of the protocol, about the page; its answer."""
        return self._ask(method, self._session, **arguments)

    def open(self, path):
        """Loads a file."""
        self._loaded = False
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + self.patience
        while not self._loaded:
            self._hear(self._message(deadline))

    def run(self, script):
        """The value of a script in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def look(self, width=1400, height=900, dark=False):
        """How wide the window is, and which colours the system has."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        """What is to be seen, as PNG."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        """Ends it and removes its folder."""
        process = getattr(self, "_process", None)
        if process:
            try:
                self._ask("Browser.close")
                process.wait(10)
            except (BrowserError, OSError, subprocess.TimeoutExpired):
                os.killpg(process.pid, 9)
                process.wait(10)
            os.close(self._to)
            os.close(self._from)
        for _ in range(20):     # its children may still be writing
            shutil.rmtree(self._folder, ignore_errors=True)
            if not os.path.exists(self._folder):
                break
            time.sleep(0.1)
