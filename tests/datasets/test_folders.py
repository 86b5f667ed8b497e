"""Folders of images as datasets, labelled or not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from gsmooth_core import load_image_folder
from gsmooth_core.datasets.folders import check_size
from gsmooth_core.datasets.inputs import gather


def put(path, level=0, size=(6, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


def names_of(folder):
    return [str(Path(file).relative_to(folder.root)) for file in folder.files]


def test_the_classes_of_a_folder_come_in_turn(tmp_path):
    for place, name in enumerate(["a/1.png", "b/1.png", "a/2.png", "a/3.png"]):
        put(tmp_path / name, 10 * place)
    folder = load_image_folder(tmp_path, channels=1)
    assert [label for _, label in folder] == folder.targets == [0, 1, 0, 0]
    assert [round(float(image[0, 0, 0]) * 255) for image, _ in folder] == [0, 10, 20, 30]
    assert names_of(folder) == ["a/1.png", "b/1.png", "a/2.png", "a/3.png"]
    assert folder.samples == list(zip(folder.files, folder.targets, strict=True))
    assert folder.classes == ["a", "b"]


def test_numeric_classes_are_in_natural_order(tmp_path):
    for name in range(12):
        put(tmp_path / str(name) / "x.png")
    with pytest.warns(UserWarning, match="are numbered in natural order") as caught:
        folder = load_image_folder(tmp_path)
    assert caught[0].filename == __file__
    assert folder.class_to_idx == {str(name): name for name in range(12)}
    assert gather(None, None, folder, None, None).class_names == tuple(map(str, range(12)))


def test_some_folders_of_a_larger_model_are_its_classes(tmp_path):
    names = [f"n{place:08} word{place}, other{place}" for place in range(1000)]
    for name in ("word7", "n00000123", "other_999"):
        put(tmp_path / "words" / name.replace("other_", "other") / "x.png")
    folder = load_image_folder(tmp_path / "words", names=names)
    assert sorted(folder.targets) == [7, 123, 999]
    assert len(folder.classes) == len(set(folder.classes)) == 1000
    for name in ("0000", "0217"):
        put(tmp_path / "numbers" / name / "x.png")
    with pytest.raises(ValueError, match="numbers with gaps"):
        load_image_folder(tmp_path / "numbers")
    assert load_image_folder(tmp_path / "numbers", names=1000).targets == [0, 217]
    assert load_image_folder(tmp_path / "numbers", names=["0217", "0000"]).targets == [0, 1]


@pytest.mark.parametrize("splits", [("train", "test"), ("Train", "val", "Test"), ("test",)])
def test_splits_are_no_classes(tmp_path, splits):
    for split in splits:
        put(tmp_path / split / "cat" / "1.png")
    with pytest.raises(
        ValueError, match=rf"holds .*, which are splits .* name '.*', or 'folder:{tmp_path}', which mea"
    ):
        load_image_folder(tmp_path)
    assert load_image_folder(tmp_path, names=list(splits)).classes == list(splits)


def test_a_folder_above_the_class_folders_is_no_class(tmp_path):
    for name in ("cat", "dog"):
        put(tmp_path / "pictures" / name / "1.png")
    with pytest.raises(
        ValueError, match="holds only the folder 'pictures', which holds folders; name '.*/pictures', or"
    ):
        load_image_folder(tmp_path)
    assert load_image_folder(tmp_path, names=["pictures"]).targets == [0, 0]


def test_a_folder_of_images_alone_has_no_labels(tmp_path):
    for name in ("10.png", "9.jpg", ".hidden.png", "notes.txt", ".cache/1.png"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("")
        else:
            put(tmp_path / name)
    folder = load_image_folder(tmp_path, names=["cat", "dog"])
    assert names_of(folder) == ["9.jpg", "10.png"]
    assert [image.shape for image in folder] == [(3, 5, 6)] * 2
    inputs = gather(None, None, folder, None, None)
    assert (inputs.labels, inputs.class_names) == (None, ("cat", "dog"))


def test_hidden_folders_are_no_classes(tmp_path):
    for name in ("a/1.png", "a/._1.png", "a/.ipynb_checkpoints/1.png", ".cache/1.png", "__MACOSX/1.png", "b/c/1.png"):
        put(tmp_path / name)
    folder = load_image_folder(tmp_path)
    assert names_of(folder) == ["a/1.png", "b/c/1.png"]


def test_a_size_makes_mixed_photographs_one_batch(tmp_path):
    """As torchvision's Resize and CenterCrop would, and the report and the hash of the data say so."""
    generator = np.random.default_rng(0)
    arrays = [generator.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in ((40, 60), (90, 50), (20, 30))]
    for place, array in enumerate(arrays):
        (tmp_path / "cat").mkdir(exist_ok=True)
        Image.fromarray(array).save(tmp_path / "cat" / f"{place}.png")
    with pytest.raises(
        ValueError, match=r"cat/0.png' has 40 px by 60 px, '.*cat/1.png' has 90 px by 50 px; pass size= \(--size"
    ):
        gather(None, None, load_image_folder(tmp_path), None, None)
    inputs = gather(None, None, load_image_folder(tmp_path, size=32), None, None)
    theirs = Compose([Resize(32, antialias=True), CenterCrop(32)])
    for image, array in zip(inputs.images, arrays, strict=True):
        assert torch.allclose(image, theirs(torch.from_numpy(array).permute(2, 0, 1) / 255), atol=1e-6)
    assert inputs.description == f"the image folder '{tmp_path.name}', resized and cut to 32 × 32 px (all 3)"
    others = [
        load_image_folder(tmp_path, size=(32, 31)),
        load_image_folder(tmp_path, size=32, names=["dog", "cat"]),
        load_image_folder(tmp_path, size=32, names=["cat", "dog"]),
    ]
    hashes = {gather(None, None, other, None, None).data_hash for other in others}
    assert len(hashes | {inputs.data_hash}) == 4


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ([], {}, "is no image folder: it holds neither folders nor images"),
        (["a/notes.txt", "b/1.png"], {}, "is no image folder: .* a.*; make one folder of images per class"),
        (["1.png", "a/1.png"], {}, r"holds images \(1.png …\) beside folders \(a …\), .*; move one of them elsewhere"),
        (["a/1.png"], {"channels": 4}, "channels is 3 for colour or 1 for grey, not 4"),
        (["a/1.png"], {"channels": "rgb"}, "channels is 3 for colour or 1 for grey, not 'rgb'"),
        (["a/1.png"], {"size": 0}, "size must be a whole number of at least 1, not 0"),
        (["a/1.png"], {"names": ["b"]}, "the class folder 'a' is none of the 1 classes of names"),
    ],
)
def test_what_is_no_image_folder_is_a_sentence(tmp_path, files, options, message):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match=message):
        load_image_folder(tmp_path, **options)


def test_an_animation_is_not_left_out_silently(tmp_path):
    put(tmp_path / "1.png")
    frames = [Image.new("L", (6, 5), level) for level in (0, 99)]
    frames[0].save(tmp_path / "2.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="2.gif' has 2 frames"):
        gather(None, None, load_image_folder(tmp_path), None, None)


def test_a_size_is_one_number_or_two():
    assert check_size(224) == (224, 224)
    assert check_size((2, 3)) == (2, 3)
    for wrong, message in ((0, "at least 1"), (2.5, "whole number"), ((1, 2, 3), "or \\(height, width\\)")):
        with pytest.raises(ValueError, match=message):
            check_size(wrong)
