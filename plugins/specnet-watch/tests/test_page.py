"""What a reader sees in Chromium while a run trains."""

import json
import subprocess
import sys

import pytest
from report.browser import DESKTOP, PHONE, chromium

import specnet


@pytest.fixture(scope="module")
def chrome():
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(chrome):
    chrome.begin()
    yield chrome
    chrome.end()
    assert chrome.complaints() == []


@pytest.fixture
def go(browser):
    """Opens a page of the site and waits until it is ready."""

    def call(address):
        browser.driver.get(address)
        browser.until("'ready' in document.documentElement.dataset")
        return browser

    return call


EPOCH = "Number([...document.querySelectorAll('dd')][1].textContent.replace(/ of .*|,/g, ''))"
LINE = "document.querySelector('.plot path.line').getAttribute('d')"


def test_curves_grow_until_the_report_takes_their_place(tmp_path, served, spec, go, until):
    runs = tmp_path / "runs"
    runs.mkdir()
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"training": {"epochs": 6000}, "checkpoint": {"every": 500}}))
    with served(runs) as site:
        browser = go(site.address)
        assert browser.text("[data-count]") == "No runs yet"
        command = [sys.executable, "-m", "specnet", "run", str(tmp_path / "spec.json"), "-q", "-o", str(runs / "it")]
        process = subprocess.Popen(command)
        try:
            browser.until("document.querySelector('tbody a')")
            assert browser.each("tbody a", "each.pathname") == ["/run/it/"]
            browser.click("tbody a")
            browser.until("'ready' in document.documentElement.dataset && document.querySelector('.plot path.line')")
            epoch, line = browser.ask(EPOCH), browser.ask(LINE)
            browser.until(f"{EPOCH} > arguments[0] + 200", epoch)
            assert browser.ask(LINE) != line
            assert browser.texts(".chart h3")[:2] == ["loss", "accuracy"]
            assert browser.text("[data-constant]") == "Constant: learning rate: 0.001."
            browser.until("window.specnet.scenes.length")  # the replay so far
            assert browser.texts(".scene h3") == ["replay so far"]
            browser.until("location.pathname == '/run/it/report' && 'ready' in document.documentElement.dataset")
            assert browser.text("dd.status") == "finished"
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def site(trained, served):
    specnet.run(
        {**json.loads((trained / "arms" / "spec.json").read_text()), "record": None}, out=trained / "b" / "none"
    )
    with served(trained) as site:
        yield site


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["/", "/run/arms/"])
def test_pages_fit_their_screen(site, go, path, size, scheme):
    browser = go(site.address + path)
    browser.resize(size)
    browser.prefer(color_scheme=scheme)
    browser.until("document.querySelector('tbody a, .plot path.line')")
    browser.settle()
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth")
    assert all(name for name in browser.each("[role=img]", "each.getAttribute('aria-label')"))


def test_a_finished_run_offers_its_report_and_stays(site, go):
    browser = go(f"{site.address}/run/arms/")
    browser.until("!document.querySelector('[data-report]').hidden")
    assert browser.text("dd.good") == "finished"
    assert browser.ask("location.pathname") == "/run/arms/"
    assert browser.ask("document.querySelector('[data-switch]').parentElement.hidden")
    browser.until("window.specnet.scenes.length")
    browser.press("\ue011")  # Home
    assert browser.epoch == 0 and browser.text("#readout").startswith("epoch 0 of 6")
    browser.click("[data-report]")
    browser.until("location.pathname == '/run/arms/report' && 'ready' in document.documentElement.dataset")


def test_a_run_without_a_record_says_so_and_has_its_curves(site, go):
    browser = go(f"{site.address}/run/b/none/")
    browser.until("document.querySelector('.plot path.line')")
    assert browser.ask("document.getElementById('controls').hidden")


def test_the_table_sorts_and_its_links_are_reached_by_keyboard(site, go):
    browser = go(site.address)
    browser.until("document.querySelectorAll('tbody tr').length == 2")
    browser.focus("[data-sort='0']")
    browser.press("\ue007")  # Enter
    assert browser.texts("tbody a") == ["arms", "b/none"]
    browser.press("\ue007")
    assert browser.texts("tbody a") == ["b/none", "arms"]
    browser.focus("tbody a")
    browser.press("\ue007")
    browser.until("location.pathname == '/run/b/none/'")


def test_a_lost_connection_is_told_and_taken_up_again_without_gaps(trained, served, go):
    with served(trained) as site:
        browser = go(f"{site.address}/run/arms/")
        browser.until("document.querySelector('.plot path.line') && window.specnet.scenes.length")
        browser.settle()
        line = browser.ask(LINE)
        port = site.port
    browser.until("document.querySelector('[data-note]').textContent.includes('No connection')")
    browser.complaints()
    with served(trained, port) as site:
        browser.until("!document.querySelector('[data-note]').textContent")
        browser.settle()
        assert browser.ask(LINE) == line
        browser.end()
    browser.complaints()  # those of the connection
