"""What charts and tables of a page tell at each epoch, and what the pointer does over them."""

import pytest
from report.examples import EPOCHS, TWO, each_kind
from report.reading import across, legends, same

OF_LAYERS = {"gradient norm": "gradient_norms", "weight norm": "weight_norms"}


@each_kind([TWO, "a curve", "images", "numbers of many inputs"])
def test_legends_tell_the_values_at_the_epoch_that_is_shown(kind, chrome, read):
    shown = read(kind)
    record = shown.run.record
    for epoch in (2, EPOCHS):
        chrome.go(epoch)
        told = legends(chrome)
        line = shown.lines[epoch]
        for column, value in line.items():
            split, _, name = column.partition("/")
            if name:
                assert same([told[name][split]], [value])
        assert f"learning rate: {line['optimizer.learning_rate']:g}" in chrome.text(".constant")
        for title, key in OF_LAYERS.items():
            if title not in told:
                assert f"{title}: 0" in chrome.text(".constant") and not record[key].any()
                continue
            assert list(told[title]) == record["layers"].tolist()
            assert same(told[title].values(), record[key][shown.epochs.index(epoch)])
        ratio = record["update_norms"][-1] / record["weight_norms"][-1]
        assert epoch < EPOCHS or same(told["update / weight norm"].values(), ratio)


def test_before_the_first_epoch_only_the_initial_weights_have_values(chrome, read):
    shown = read(TWO)
    chrome.go(0)
    told = legends(chrome)
    assert set(told["loss"].values()) == set(told["gradient norm"].values()) == {"–"}
    assert same(told["weight norm"].values(), shown.run.record["weight_norms"][0])


def test_cells_of_layers_follow_the_replay(chrome, read):
    shown = read(TWO)
    record = shown.run.record
    for epoch in (0, 3, EPOCHS):
        chrome.go(epoch)
        cells = {row[0]: row for row in chrome.table("section[aria-labelledby=layers] table")}
        frame = shown.epochs.index(epoch)
        for layer, name in enumerate(record["layers"].tolist()):
            assert same(cells[name][4:5], [record["gradient_norms"][frame, layer]])
            assert same(cells[name][6:7], [record["weight_norms"][frame, layer]])
        assert same(cells["layers.1"][7:8], [record["dead_units"][frame, 0]])
        assert chrome.text("[data-now]") == str(epoch)


def test_the_pointer_over_a_chart_is_told_the_values_there(browser, page):
    shown = page()
    browser.move(*across(browser, 2))
    shown_rows = browser.texts(".chart:first-child .tip > div")
    assert shown_rows[0] == "epoch 2"
    for row, split in zip(shown_rows[1:], ("train", "validation"), strict=True):
        name, value = row.split()
        assert name == split and same([value], [shown.lines[2][f"{split}/loss"]])
    assert browser.element(".tip").is_displayed()
    assert browser.epoch == EPOCHS, "looking is not going"
    browser.move(browser.element("h1"))
    assert not browser.element(".tip").is_displayed()


def test_a_click_on_a_chart_goes_to_that_epoch_and_the_cursor_is_there(browser, page):
    page()
    for epoch in (1, 4):
        browser.move(*across(browser, epoch))
        browser.pointer().click().perform()
        assert browser.epoch == epoch
        for x, width in browser.each(".cursor", "[each.x1.baseVal.value, each.ownerSVGElement.clientWidth]"):
            assert x == pytest.approx(50 + (width - 62) * epoch / EPOCHS, abs=0.1)


def test_dragging_over_a_chart_plays_by_hand(browser, page):
    page()
    browser.move(*across(browser, 1))
    browser.pointer().click_and_hold().perform()
    for epoch in (3, 5, 2):
        browser.move(*across(browser, epoch))
        assert browser.epoch == epoch
    browser.pointer().release().perform()


def test_a_scale_is_linear_or_logarithmic_as_one_likes(browser, page):
    page()
    seen = []
    for _ in range(3):
        pressed = browser.each(".scale", "each.ariaPressed")
        ticks = browser.texts(".chart:first-child text[text-anchor=end]")
        seen.append((pressed, ticks, browser.each(".plot path.line", "each.getAttribute('d')")))
        browser.click(".chart:first-child .scale")
    assert seen[0] == seen[2] != seen[1]
    assert {seen[0][0][0], seen[1][0][0]} == {"true", "false"} and seen[0][0][1:] == seen[1][0][1:]
    assert all(len(ticks) > 1 for _, ticks, _ in seen), "even where no power of ten is in sight"
    changed = [before != after for before, after in zip(seen[0][2], seen[1][2], strict=True)]
    assert changed == [True, True] + [False] * (len(changed) - 2), "only the curves of that chart"


def test_only_what_may_span_decades_has_a_logarithmic_scale(browser, page):
    page()
    offered = browser.each(".chart", "[each.querySelector('h3').textContent, !!each.querySelector('.scale')]")
    assert dict(map(tuple, offered))["loss"] and not dict(map(tuple, offered))["accuracy"]
