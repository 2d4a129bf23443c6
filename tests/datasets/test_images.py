"""Images in the files of a folder."""

import copy
import gzip
import json
import os
import struct

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


MODES = {
    **{f"{mode}.tif": mode for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")},
    **{f"{mode}.png": mode for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
    "CMYK.jpg": "CMYK",
}
SIXTEEN = {"I;16.tif": "<u2", "I;16B.tif": ">u2", "I;16.png": "<u2", "I.pgm": "<u2"}


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize("name", [*MODES, *SIXTEEN])
def test_white_is_255_and_black_0_in_images_of_every_mode(name, color_mode, tmp_path):
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, 8:] = 255
    if name in SIXTEEN:
        image = Image.fromarray((pixels * np.uint16(257)).astype(SIXTEEN[name]))
    else:
        image = Image.fromarray(pixels).convert("RGB").convert(MODES[name])
    (tmp_path / "images" / "a").mkdir(parents=True)
    image.save(tmp_path / "images" / "a" / name)
    inputs = load(tmp_path / "images", color_mode=color_mode).train.inputs
    np.testing.assert_array_equal(inputs, np.broadcast_to(pixels[..., np.newaxis], inputs.shape))


def test_grey_values_of_12_bits_become_8(tmp_path):
    path = tmp_path / "images" / "a" / "a.tif"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((1, 2), np.uint16)).save(path)
    sixteen, twelve = (struct.pack("<HHIHH", 258, 3, 1, bits, 0) for bits in (16, 12))
    image = path.read_bytes()
    assert sixteen in image
    path.write_bytes(image[:-4].replace(sixteen, twelve) + b"\xff\xf8\x00\x00")  # the values 0xfff and 0x800
    assert load(tmp_path / "images", color_mode="grayscale").train.inputs.ravel().tolist() == [255, 128]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_an_image_whose_range_is_not_known_is_refused(dtype, folder):
    Image.fromarray(np.ones((6, 5), dtype)).save(folder / "cat" / "c.tif")
    with pytest.raises(SpecnetError, match=r"c\.tif has .*, whose range is not known") as caught:
        load(folder)
    assert caught.value.pointer == ("path",)


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


def test_a_damaged_table_of_labels_is_refused(folder, tmp_path):
    table = tmp_path / "labels.csv.gz"
    table.write_bytes(gzip.compress(b"file,animal\ncat/a.png,a\n")[:-12])
    with pytest.raises(SpecnetError, match=r"labels\.csv\.gz cannot be decompressed"):
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
        (another_size, "z.png has 4 x 5 pixels, but the first image has 6 x 5", "image_size"),
    ],
)
def test_a_file_that_is_not_like_the_others_is_located(folder, spoil, message, key):
    spoil(folder)
    with pytest.raises(SpecnetError) as caught:
        load(folder)
    assert message in caught.value.message
    assert caught.value.pointer == (key,)


SPEC = {
    "dataset": {"type": "image_folder", "path": "images"},
    "layers": ["flatten", "linear"],
    "loss": "cross_entropy",
    "metrics": ["accuracy"],
    "training": {"epochs": 1},
    "plots": [],
}


@pytest.fixture
def run(folder, tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    return specnet.run(load_spec(tmp_path / "spec.json"), out=tmp_path / "run", report=False)


def invoke(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)])


def test_other_folders_are_evaluated_and_predicted(folder, run, tmp_path):
    other = tmp_path / "other.v2"
    (other / "dog").mkdir(parents=True)
    for name, number in (("b.png", 3), ("a.png", 2)):
        Image.fromarray(PIXELS[number]).save(other / "dog" / name)
    scores = json.loads(invoke("evaluate", run.directory, "--data", other, "--format", "json").stdout)
    expected = run.evaluate(PIXELS[2:], ["dog", "dog"])
    assert scores == {str(other): pytest.approx(expected)}
    shown = invoke("predict", run.directory, other, "--keep", "file").stdout.splitlines()
    classes = [run.classes[number] for number in run.predict(PIXELS[2:]).argmax(1)]
    assert [line.split(",")[:2] for line in shown] == [
        ["file", "class"], ["dog/a.png", classes[0]], ["dog/b.png", classes[1]]
    ]  # fmt: skip
    assert invoke("predict", run.directory, other / "dog").stdout.splitlines()[1:] == [
        line.partition(",")[2] for line in shown[1:]
    ]


def unknown(other):
    (other / "bird").mkdir()
    Image.fromarray(PIXELS[0]).save(other / "bird" / "a.png")


def flat(other):
    Image.fromarray(PIXELS[0]).save(other / "a.png")


def larger(other):
    (other / "cat").mkdir()
    Image.fromarray(np.tile(PIXELS[0], (2, 1, 1))).save(other / "cat" / "a.png")


@pytest.mark.parametrize(
    ("command", "fill", "message"),
    [
        ("evaluate", unknown, '"bird" is not one of the classes ["cat", "dog"]'),
        ("evaluate", flat, "has no folder with images"),
        ("evaluate", larger, "(12, 5, 3)"),
        ("predict", larger, "(12, 5, 3)"),
        ("predict", lambda other: None, "has no images"),
    ],
)
def test_a_folder_that_does_not_suit_the_run_is_refused(command, fill, message, run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    fill(other)
    result = invoke(command, run.directory, *["--data"] * (command == "evaluate"), other)
    assert (result.exit_code, message in result.stderr, str(other) in result.stderr) == (2, True, True), result.stderr


def test_images_have_no_columns_but_their_files(folder, run):
    result = invoke("predict", run.directory, folder, "--keep", "id")
    assert result.exit_code == 2
    assert 'images have no column "id" to keep, only "file"' in result.stderr


def test_a_run_predicts_the_class_of_an_image(folder, tmp_path):
    spec = copy.deepcopy(SPEC)
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    run = specnet.run(load_spec(tmp_path / "spec.json"), out=tmp_path / "run", report=False)
    result = invoke("predict", run.directory, folder / "dog" / "1.PNG")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("class,probability of cat,probability of dog\n")
    for path, message in (("no", "there is no folder"), ("images/cat/a.png", "is not a folder")):
        spec["dataset"]["path"] = path
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        with pytest.raises(SpecnetError, match=message):
            load_spec(tmp_path / "spec.json")
