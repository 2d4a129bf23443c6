"""What specs and data say is text in a page, which runs no script but its own."""

import json

import pytest
from helpers import sampled
from report.examples import EVIL, SPIRAL, Example, rows, spec

import specnet

HOSTILE = {
    "a script": "<script>window.hacked = 1</script>",
    "an image": "<img src=x onerror='window.hacked = 1'>",
    "the end of a script": "</script><script>window.hacked = 1</script>",
    "a comment": "<!-- <script> -->",
    "quotes": "\"'`><svg onload=window.hacked=1>",
    "the end of CDATA": "]]><script>window.hacked = 1</script>",
    "lines": "one\u2028two\u2029three",
    "entities": "&lt;b&gt; &amp;amp; {{ 7 * 7 }} {% raw %} ${7}",
    "the end of a style": "</style><style>body { display: none }</style>",
}


@pytest.mark.parametrize("what", sampled(HOSTILE, 4))
def test_a_description_is_text_whatever_it_holds(what, browser, untouched, tmp_path):
    small = {"training": {"epochs": 1}, "record": {"every": 1, "points": 3}}
    shown = Example(spec(SPIRAL, 1, "bce_with_logits", description=HOSTILE[what], **small), tmp_path)
    browser.open(shown.path)
    assert browser.one(".description", "each.textContent") == HOSTILE[what]
    for written in browser.texts("pre:not(.trace pre)"):
        assert json.loads(written)["description"] == HOSTILE[what]
    untouched()


@pytest.mark.parametrize("inputs", sampled([1, 2, 3], 3))
def test_names_of_columns_and_classes_are_text(inputs, browser, untouched, tmp_path):
    columns, kinds = [EVIL.format(number) for number in range(inputs)], [EVIL.format("no"), EVIL.format("yes")]
    lines = [[f"{value:.3f}" for value in row] + [kinds[int(row[0] > 0)]] for row in rows(60, inputs)]
    folder = tmp_path / "<i>&\"'"
    folder.mkdir()
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in [*columns, EVIL.format("class")]]
    text = [",".join(quoted)] + [",".join([*line[:-1], '"' + line[-1].replace('"', '""') + '"']) for line in lines]
    (folder / "data.csv").write_text("\n".join(text))
    dataset = {"type": "csv", "path": str(folder / "data.csv"), "inputs": columns, "targets": [EVIL.format("class")]}
    shown = Example(spec(dataset, 1, "bce_with_logits", "accuracy"), tmp_path)
    browser.open(shown.path)
    untouched()
    assert browser.texts(".confusions > .scroll thead th") == [kind.strip() for kind in kinds]
    label = browser.canvas(".stage canvas").label
    if inputs == 1:
        assert columns[0] in label
    if inputs == 2:
        assert browser.texts(".stage .legend li")[:2] == [kind.strip() for kind in kinds]
        assert all(column in label for column in columns) and kinds[1].strip() in label
    told = [row[-1] for row in browser.table("[aria-label='Worst examples']")]
    assert all(column in cell for column in columns for cell in told)
    (folder / "data.csv").unlink()
    browser.open(specnet.load_run(shown.run.directory).report())
    untouched()
    assert any(f"{folder.name}/data.csv" in note for note in browser.texts(".note")), browser.texts(".note")


def test_the_page_runs_no_script_but_its_own_and_asks_for_nothing(browser, page):
    page()
    browser.driver.execute_script("""
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/picture.png";
        const frame = document.createElement("iframe");
        frame.src = "http://127.0.0.1:9/";
        const link = document.createElement("div");
        link.innerHTML = "<p id='inner' onclick='window.hacked = 2' style='color: red'>text</p>";
        document.body.append(script, image, frame, link);
        link.firstChild.click();
    """)
    failed = "fetch(arguments[0]).then(() => false, () => true)"
    assert browser.ask(failed, "http://127.0.0.1:9/data.json") and browser.ask(failed, "data:text/plain,text")
    assert browser.ask("window.hacked") is None
    assert browser.ask("getComputedStyle(document.getElementById('inner')).color") != "rgb(255, 0, 0)"
    assert browser.requests() == []
    refused = browser.complaints()
    assert len(refused) >= 5 and all("Content Security Policy" in each for each in refused)
