"""A headless Chromium that tests drive through its DevTools protocol.

The protocol runs over two pipes, so no package and no open port is needed.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
# The machine of the tests may be closed to the network: without these flags Chromium
# keeps asking for hosts of its maker's.
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --remote-debugging-pipe"
).split()
_PATIENCE = 30
# Key codes of the keyboard, by the names that pages see.
_KEYS = {
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "Backspace": 8,
    "Enter": 13,
    "Tab": 9,
    " ": 32,
    "1": 49,
    "2": 50,
}


class Browser:
    """One Chromium with one page.

    `events` are those the browser sent so far, oldest first.
    """

    def __init__(self, folder: Path):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [PROGRAM, *_FLAGS, f"--user-data-dir={folder}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=lambda: _as_3_and_4(to_browser, from_browser),
        )
        os.close(to_browser)
        os.close(from_browser)
        self.events, self._buffer, self._number = [], b"", 0
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self._process.terminate()
        self._process.wait(_PATIENCE)
        os.close(self._in)
        os.close(self._out)

    def call(self, method, **parameters):
        """What a method of the protocol returns."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _receive(self):
        """The next message; events are noted as well."""
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], until - time.monotonic())
            assert ready, "Chromium does not answer"
            part = os.read(self._in, 1 << 20)
            assert part, "Chromium has ended"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

    def run(self, script):
        """Value of a JavaScript expression, awaited if it is a promise."""
        result = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, script):
        """Waits until an expression is true, and returns its value."""
        until = time.monotonic() + _PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < until, f"never came true: {script}"
            time.sleep(0.02)
        return value

    def open(self, path: Path):
        self._load("Page.navigate", url=path.resolve().as_uri())

    def reload(self):
        self._load("Page.reload")

    def _load(self, method, **parameters):
        seen = len(self.events)
        self.call(method, **parameters)
        for event in ("Page.frameNavigated", "Page.loadEventFired"):
            seen = self.receive(event, seen)

    def receive(self, method, seen):
        """Waits for an event after the first `seen` ones; how many they are then."""
        while True:
            for number, event in enumerate(self.events[seen:], seen + 1):
                if event["method"] == method:
                    return number
            seen = len(self.events)
            self._receive()

    def size(self, width, height, touch=False, scale=1):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=touch,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def press(self, key, repeat=False):
        """A key goes down and, unless it repeats, up again."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        named = {"key": key, "windowsVirtualKeyCode": _KEYS[key]}
        if text:
            named["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", autoRepeat=repeat, **named)
        if not repeat:
            named.pop("text", None)
            self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def _middle(self, selector):
        """Middle of an element, which must be in view."""
        self.run(
            f"document.querySelector({selector!r}).scrollIntoView({{block: 'nearest'}})"
        )
        box = self.run(
            f"(({{left, top, width, height}}) => ({{x: left + width / 2, "
            f"y: top + height / 2, width, height}}))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        assert box["width"] and box["height"], f"{selector} is not shown"
        return {"x": box["x"], "y": box["y"]}

    def click(self, selector):
        spot = {**self._middle(selector), "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **spot)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **spot)

    def tap(self, selector):
        spot = self._middle(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[spot])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def download(self, folder: Path, start):
        """The file that arrives after `start()`."""
        self.call(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(folder),
            eventsEnabled=True,
        )
        seen = len(self.events)
        start()
        seen = self.receive("Browser.downloadWillBegin", seen)
        name = self.events[seen - 1]["params"]["suggestedFilename"]
        while self.events[seen - 1]["params"].get("state") != "completed":
            seen = self.receive("Browser.downloadProgress", seen)
        return folder / name

    def picture(self, path: Path):
        content = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(content))

    def requests(self):
        """Addresses that the page asked for, but for those that hold their content."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith("data:")
        ]


def _as_3_and_4(to_browser, from_browser):
    """Where Chromium expects the pipes' ends."""
    ends = [os.dup(end) for end in (to_browser, from_browser)]
    for number, end in zip((3, 4), ends):
        os.dup2(end, number)
