"""Headless Chromium, and what it shows of a page."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
DESKTOP, PHONE = (1280, 1000), (390, 844)
PATIENCE = 120.0
"""Seconds that a page has for what it does in a tenth of one or a run in five, on a machine that does much else."""
LEFT, RIGHT, TOP, BELOW, BAR = 46, 8, 8, 36, 58
"""Pixels around what is between the axes of a canvas; right of that a bar of colours takes more."""


def installed(program: str) -> str:
    """The path of a program of Chromium, without which no page can be opened: in CI that is a failure."""
    if path := shutil.which(program):
        return path
    message = f"there is no {program}, which opens the pages: apt-get install chromium chromium-driver"
    return pytest.fail(message, pytrace=False) if os.environ.get("CI") else pytest.skip(message)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, all of whose files are gone in the end."""
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = installed("chromium")
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        environment = {**os.environ, "TMPDIR": folder, "HOME": folder}
        driver = Chrome(options, ChromeService(installed("chromedriver"), env=environment))
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """What a reader does with a page and sees of it; `ask` lets the page answer in its own language."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.own: set[str] = set()

    def begin(self) -> None:
        """Be as a browser is for a new reader: of a desktop, who prefers light pages and lets scripts run."""
        self.own = {"about:blank"}
        self.scripts(True)
        self.touch(False)
        self.resize(DESKTOP)
        self.prefer()
        ActionChains(self.driver).reset_actions()
        self.complaints()
        self.requests()

    def end(self) -> None:
        """Leave the page."""
        self.driver.get("about:blank")

    def open(self, path: Path, ready: bool = True) -> Browser:
        """Open a page and wait until it is ready."""
        self.own.add(path.as_uri())
        self.driver.get(path.as_uri())
        if ready:
            self.until("'ready' in document.documentElement.dataset")
            self.settle()
        return self

    # What a browser can be told.

    def scripts(self, run: bool) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not run})

    def touch(self, fingers: bool) -> None:
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": fingers})

    def resize(self, size: tuple[int, int]) -> None:
        shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)

    def prefer(self, **features: str) -> None:
        """Let the reader prefer a `color_scheme`, light by default, or a `reduced_motion`."""
        wanted = {"color_scheme": "light", **features}
        told = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in wanted.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def settle(self) -> None:
        """Wait until the page has drawn itself in its present size."""
        script = (
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));"
        )
        self.driver.execute_async_script(script)

    # What a page answers.

    def ask(self, expression: str, *arguments: Any) -> Any:
        return self.driver.execute_script(f"return {expression}", *arguments)

    def until(self, expression: str, *arguments: Any) -> None:
        """Wait until the page says yes."""
        end = time.monotonic() + PATIENCE
        while not self.ask(expression, *arguments):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def each(self, selector: str, expression: str, *arguments: Any) -> list[Any]:
        """What the page answers of each such element, in the page's order; `each` is its name there."""
        script = f"[...document.querySelectorAll(arguments[0])].map((each) => {expression})"
        return list(self.ask(script, selector, *arguments))

    def one(self, selector: str, expression: str) -> Any:
        """What the page answers of the only such element."""
        (answer,) = self.each(selector, expression)
        return answer

    def texts(self, selector: str) -> list[str]:
        """The text of each element, as the page holds it."""
        return self.each(selector, "each.textContent.trim()")

    def text(self, selector: str) -> str:
        (text,) = self.texts(selector)
        return text

    def table(self, selector: str) -> list[list[str]]:
        """The cells of the body of a table."""
        return self.each(f"{selector} tbody tr", "[...each.cells].map((cell) => cell.textContent.trim())")

    @property
    def epoch(self) -> int:
        return int(self.ask("window.specnet.epoch"))

    @property
    def label(self) -> str:
        """What the button says that plays and pauses."""
        return str(self.one("[data-play]", "each.ariaLabel"))

    def complaints(self) -> list[str]:
        """What has been logged since one has asked last: errors, warnings and all else."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What has been asked for since one has asked last, but the pages that were opened and what is in them."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        wanted = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        ends = [event["params"] for event in events if event["method"] == "Network.loadingFailed"]
        refused = {each["requestId"] for each in ends if each.get("blockedReason") == "csp"}  # by the page, and logged
        urls = [each["request"]["url"] for each in wanted if each["requestId"] not in refused]
        return [url for url in urls if url not in self.own and not url.startswith(("data:", "about:srcdoc"))]

    # What a reader does.

    def element(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        self.element(selector).click()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, in whatever has the focus."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def focus(self, selector: str) -> None:
        self.driver.execute_script("document.querySelector(arguments[0]).focus()", selector)

    def select(self, selector: str, value: str) -> None:
        self.element(f"{selector} option[value='{value}']").click()

    def pointer(self) -> ActionChains:
        """What moves the pointer, holds its button and lets it go."""
        return ActionChains(self.driver, duration=20)

    def move(self, element: Any, right: int = 0) -> None:
        """Move the pointer to so many pixels right of the middle of an element, with its button as it is."""
        self.pointer().move_to_element_with_offset(element, right, 0).perform()
        self.settle()

    def go(self, epoch: int) -> None:
        """Go to an epoch as readers do, who see it in the readout."""
        self.press("\ue011")  # Home
        while self.epoch < epoch:
            self.press("\ue014")  # right arrow
        assert self.text("#readout").startswith(f"epoch {epoch} of ")

    # What is drawn.

    def canvas(self, selector: str, number: int = 0, bar: bool = False) -> Canvas:
        return Canvas(self, selector, number, bar)


def pixels(picture: str) -> np.ndarray:
    """Red, green, blue and opacity (height, width, 4) of a picture in a data URI."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))).convert("RGBA"))


class Canvas:
    """A canvas with axes: where numbers are on it, and in which colours it is there."""

    def __init__(self, browser: Browser, selector: str, number: int, bar: bool) -> None:
        self.element, width, height = browser.each(selector, "[each, each.clientWidth, each.clientHeight]")[number]
        self.ask: Callable[..., Any] = browser.ask
        self.left, self.right = LEFT, width - (BAR if bar else RIGHT)
        self.top, self.bottom = TOP, height - BELOW

    def place(self, x: Any, y: Any, across: Sequence[float], up: Sequence[float]) -> np.ndarray:
        """The pixels (n, 2) of numbers x and y on axes that go from the first to the last of these."""
        column = self.left + (np.asarray(x) - across[0]) / (across[-1] - across[0]) * (self.right - self.left)
        row = self.bottom - (np.asarray(y) - up[0]) / (up[-1] - up[0]) * (self.bottom - self.top)
        return np.stack(np.broadcast_arrays(column, row), axis=-1)

    def inside(self, places: np.ndarray, margin: float = 4.0) -> np.ndarray:
        """Which pixels (n, 2) are between the axes."""
        low, high = np.array([self.left, self.top]) + margin, np.array([self.right, self.bottom]) - margin
        return ((places > low) & (places < high)).all(axis=-1)

    def colors(self, places: np.ndarray) -> np.ndarray:
        """Red, green, blue and opacity (n, 4) at pixels (n, 2)."""
        return self.pixels[tuple(np.floor(places[..., ::-1]).astype(int).T)]

    @cached_property
    def pixels(self) -> np.ndarray:
        """Red, green, blue and opacity (height, width, 4) as they are when first asked for."""
        return pixels(self.picture)

    @property
    def picture(self) -> str:
        """All that is drawn now, as text."""
        return str(self.ask("arguments[0].toDataURL()", self.element))

    @property
    def label(self) -> str:
        return str(self.ask("arguments[0].ariaLabel", self.element))
