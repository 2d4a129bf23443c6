"""Images in the files of a folder."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import specnet
from specnet import SpecnetError, build, load_spec
from specnet.cli import cli

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), np.uint8)
NAMES = ["cat/a.png", "cat/deep/b.bmp", "dog/1.PNG", "dog/2.ppm"]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for name, pixels in zip(NAMES, PIXELS, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)
    (root / "dog" / "notes.txt").write_text("not an image")
    (root / "dog" / ".hidden.png").write_text("not an image")
    return root


def load(folder, **fields):
    dataset = build("datasets", {"type": "image_folder", "path": str(folder), **fields})
    outline, data = dataset.outline(), dataset.load(np.random.default_rng(0))
    assert (outline.inputs, outline.rows, outline.class_names) == (
        data.train.inputs.shape[1:],
        len(data.train.inputs),
        data.classes,
    )
    return data


def test_folders_are_classes(folder):
    data = load(folder)
    np.testing.assert_array_equal(data.train.inputs, PIXELS)
    assert (data.classes, data.train.targets.tolist()) == (("cat", "dog"), [0, 0, 1, 1])
    assert data.place("train", 2) == str(folder / "dog" / "1.PNG")


def test_images_become_grey_and_are_resized(folder):
    grey = load(folder, color_mode="grayscale").train.inputs
    np.testing.assert_allclose(grey[..., 0], PIXELS @ [0.299, 0.587, 0.114], atol=1)
    assert load(folder, image_size=[3, 8]).train.inputs.shape == (4, 3, 8, 3)


def test_photographs_are_turned_and_16_bits_become_8(folder):
    turned = Image.Exif()
    turned[274] = 6  # the top of the picture is on the right
    Image.fromarray(PIXELS[0, :5]).save(folder / "cat" / "a.png", exif=turned)
    Image.fromarray(PIXELS[1, :5, :, 0] * np.uint16(257)).save(folder / "cat" / "deep" / "b.png")
    (folder / "cat" / "deep" / "b.bmp").unlink()
    for name in ("1.PNG", "2.ppm"):
        Image.fromarray(PIXELS[2, :5]).save(folder / "dog" / name)
    images = load(folder).train.inputs
    np.testing.assert_array_equal(images[0], np.rot90(PIXELS[0, :5], -1))
    np.testing.assert_array_equal(images[1], np.repeat(PIXELS[1, :5, :, :1], 3, axis=2))


def test_a_table_names_files_and_classes(folder, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,animal\ndog/1.PNG,b\ncat/a.png,a\n")
    data = load(folder, labels=str(table))
    np.testing.assert_array_equal(data.train.inputs, PIXELS[[2, 0]])
    assert (data.classes, data.train.targets.tolist()) == (("a", "b"), [1, 0])
    for text, message in (
        ("file,animal\ncat/no.png,a\n", "labels.csv:2: there is no file"),
        ("file\ncat/a.png\n", "labels.csv:2: expected a file and a class"),
        ("file,animal\n", "has no rows"),
    ):
        table.write_text(text)
        with pytest.raises(SpecnetError, match=message):
            load(folder, labels=str(table))


def test_further_folders_are_splits_with_the_same_classes(folder):
    assert load(folder, test=str(folder)).test.targets.tolist() == [0, 0, 1, 1]
    (folder.parent / "other" / "bird").mkdir(parents=True)
    Image.fromarray(PIXELS[0]).save(folder.parent / "other" / "bird" / "a.png")
    with pytest.raises(SpecnetError, match='other: "bird" is not one of the classes') as caught:
        load(folder, validation=str(folder.parent / "other"))
    assert caught.value.pointer == ("validation",)
    (folder.parent / "other" / "bird").rename(folder.parent / "other" / "cat")
    (folder.parent / "other" / "cat" / "a.png").write_text("text")
    with pytest.raises(SpecnetError, match=r"a\.png is not an image") as caught:
        load(folder, validation=str(folder.parent / "other"))
    assert caught.value.pointer == ("validation",)


def broken(folder):
    (folder / "cat" / "z.png").write_bytes((folder / "cat" / "a.png").read_bytes()[:60])


def another_size(folder):
    Image.fromarray(PIXELS[0, :4]).save(folder / "cat" / "z.png")


def empty(folder):
    (folder / "bird").mkdir()


def pipe(folder):
    os.mkfifo(folder / "cat" / "z.png")


def no_image(folder):
    (folder / "cat" / "z.png").write_text("text")


@pytest.mark.parametrize(
    ("spoil", "message", "key"),
    [
        (broken, "z.png", "path"),
        (no_image, "z.png is not an image, or is damaged", "path"),
        (empty, "bird has no images", "path"),
        (pipe, "z.png cannot be read: it is a named pipe, not a regular file", "path"),
        (another_size, "z.png has 4 x 5 pixels, the first image 6 x 5", "image_size"),
    ],
)
def test_a_file_that_is_not_like_the_others_is_located(folder, spoil, message, key):
    spoil(folder)
    with pytest.raises(SpecnetError) as caught:
        load(folder)
    assert message in caught.value.message
    assert caught.value.pointer == (key,)


def test_a_run_predicts_the_class_of_an_image(folder, tmp_path):
    spec = {
        "dataset": {"type": "image_folder", "path": "images"},
        "layers": ["flatten", "linear"],
        "loss": "cross_entropy",
        "training": {"epochs": 1},
        "plots": [],
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    run = specnet.run(load_spec(tmp_path / "spec.json"), out=tmp_path / "run", report=False)
    result = CliRunner().invoke(cli, ["predict", str(run.directory), str(folder / "dog" / "1.PNG")])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("class,probability of cat,probability of dog\n")
    for path, message in (("no", "there is no folder"), ("images/cat/a.png", "is not a folder")):
        spec["dataset"]["path"] = path
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        with pytest.raises(SpecnetError, match=message):
            load_spec(tmp_path / "spec.json")
