"""The site answers its own machine alone, shows what is below its directory, and never writes."""

import shutil

import pytest


@pytest.fixture(scope="module")
def site(trained, served):
    with served(trained) as site:
        yield site


PATHS = ["/", "/events", "/run/arms/", "/run/arms/events", "/run/arms/scene", "/run/arms/report"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8484", "127.0.0.1.evil.example", "10.0.0.1", ""])
@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_refused(site, path, host):
    assert site.ask(path, Host=host).status == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:8484", "LOCALHOST"])
def test_a_name_of_this_machine_is_answered(site, host):
    assert site.ask("/", Host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "MADE"])
@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
def test_what_is_no_reading_is_refused(site, path, method):
    answer = site.ask(path, method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_headers_of_the_page_and_ends(site, path):
    answer = site.ask(path, "HEAD")
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "..", "../arms", "arms/..", "arms/../arms", "%2e%2e", "%2e%2e/arms", "arms/checkpoints", "arms%2fmanifest.json",
        "arms/manifest.json", "/etc", "%2fetc", "arms%00", ".", "", "nothing", "ARMS%ff", "..%5carms", "arms//",
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", ["", "events", "scene", "report"])
def test_only_runs_below_the_directory_can_be_named(site, name, page):
    assert site.ask(f"/run/{name}/{page}").status == 404


@pytest.mark.parametrize("path", ["/manifest.json", "/arms/manifest.json", "/run/arms/spec.json", "/..%2f", "/run"])
def test_files_have_no_address(site, path):
    assert site.ask(path).status == 404


@pytest.mark.parametrize("path", ["/", "/run/arms/"])
def test_pages_run_their_own_scripts_and_ask_nobody_else(site, path):
    page = site.ask(path)
    policy = page.text.partition('Content-Security-Policy" content="')[2].partition('"')[0].replace("&#39;", "'")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["connect-src"] == "'self'"
    assert rules["script-src"].startswith("'sha256-") and "unsafe" not in policy
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"


def test_a_report_is_shown_in_an_origin_of_its_own(site, trained):
    answer = site.ask("/run/arms/report")
    assert answer.text == (trained / "arms" / "report.html").read_text()
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")


def test_a_run_that_is_given_itself_is_shown_at_once(trained, served):
    with served(trained / "arms") as site:
        assert (site.ask("/").status, site.ask("/").headers["location"]) == (307, "/run/arms/")
        assert "All runs" not in site.ask("/run/arms/").text
        assert site.ask("/run/checkpoints/").status == 404


def test_links_are_not_followed(trained, tmp_path, served):
    runs = tmp_path / "runs"
    (runs / "arms").mkdir(parents=True)
    (runs / "linked").symlink_to(trained / "arms")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    shutil.copytree(trained / "arms", runs / "arms", dirs_exist_ok=True)
    with served(runs) as site:
        assert site.ask("/run/linked/").status == 404
        for name in ("report.html", "manifest.json", "spec.json", "history.jsonl", "record.npz"):
            file = runs / "arms" / name
            kept = file.read_bytes()
            file.unlink()
            file.symlink_to(secret)
            told = [site.ask(f"/run/arms/{page}").text for page in ("", "report", "scene")]
            events = site.stream("/run/arms/events")
            told.append(str(events.take("facts")))
            assert not any("secret" in text.replace(str(tmp_path), "") for text in told), name
            if name in ("manifest.json", "spec.json", "history.jsonl"):
                assert "is a symbolic link, which is not followed" in told[-1]
            file.unlink()
            file.write_bytes(kept)


def test_the_watched_run_is_neither_written_nor_locked(trained, served, snapshot):
    from specnet.runs.storage.directory import RunDirectory

    before = snapshot(trained)
    with served(trained) as site:
        for path in ("/", "/run/arms/", "/run/arms/scene", "/run/arms/report"):
            assert site.ask(path).status == 200
        table, run = site.stream("/events"), site.stream("/run/arms/events")
        assert table.take("runs")[1]["rows"][0]["status"] == run.take("facts")[1]["status"] == "finished"
        assert snapshot(trained) == before
        with RunDirectory(trained / "arms"):
            assert site.ask("/run/arms/").status == 200
