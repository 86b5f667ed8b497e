"""Images from the files of well-known data sets, and by one name each."""

import gzip
import hashlib
import pickle
import struct

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10, CIFAR100

from gsmooth_core import load_cifar, load_fashion_mnist, load_idx_images, load_images

PREFIXES = {"train": "train", "test": "t10k"}


def idx(array, magic=None):
    """The bytes of an idx file."""
    return (magic or bytes((0, 0, 8, array.ndim))) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return {
        split: (
            generator.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            generator.integers(0, 10, count, dtype=np.uint8),
        )
        for split, count in (("train", 5), ("test", 3))
    }


@pytest.fixture
def idx_folder(tmp_path, arrays):
    """The training files plain, the test files packed."""
    folder = tmp_path / "idx"
    folder.mkdir()
    for split, (images, labels) in arrays.items():
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{PREFIXES[split]}-{name}-ubyte"
            if split == "train":
                path.write_bytes(idx(array))
            else:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(idx(array)))
    return folder


def check(loaded, images, labels):
    """The images are those of the bytes (count, height, width, channel), and the labels are the same."""
    assert loaded[0].dtype == torch.float32
    assert loaded[1].dtype == torch.int64
    assert loaded[0].is_contiguous()
    assert torch.equal(loaded[0], torch.tensor(images).permute(0, 3, 1, 2).float() / 255)
    assert loaded[1].tolist() == list(labels)


@pytest.mark.parametrize("split", ["train", "test"])
def test_idx_files_are_read_plain_and_packed(idx_folder, arrays, split):
    images, labels = arrays[split]
    check(load_idx_images(idx_folder, split), images[..., None], labels)
    check(load_images(f"idx:{idx_folder}", split), images[..., None], labels)


def test_the_bundled_images_are_the_published_ones(tmp_path):
    """Written as idx files they are read back as they are."""
    images, labels = load_fashion_mnist("test")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx((images[:, 0] * 255).round().byte().numpy()))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels.byte().numpy()))
    again = load_idx_images(tmp_path, "test")
    assert torch.equal(again[0], images)
    assert torch.equal(again[1], labels)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda content: idx(np.zeros((5, 28, 28), np.uint8), magic=b"\0\0\x0d\3"),
            "starts with 00000d03, not 00000803",
        ),
        (lambda content: b"", "is no idx file of bytes in 3 dimensions"),
        (lambda content: content[:7], r"has 7 bytes, but its header promises .*; download it again"),
        (lambda content: content[:-1], r"has 3,935 bytes, but its header promises 3,936 \(shape \(5, 28, 28\)\)"),
        (lambda content: content + b"0", "has 3,937 bytes, but its header promises 3,936"),
        (lambda content: idx(np.zeros((4, 28, 28), np.uint8)), "has 4 images but 5 labels for 'train'; take both"),
    ],
)
def test_a_damaged_idx_file_is_a_sentence(idx_folder, damage, message):
    path = idx_folder / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_idx_images(idx_folder, "train")


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: b"0" + c, lambda c: c[:30] + b"\xff" * 9 + c[39:]])
def test_a_damaged_packed_file_is_a_sentence(idx_folder, damage):
    path = idx_folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"ubyte.gz' is damaged: .*; download it again"):
        load_idx_images(idx_folder, "test")


def test_missing_idx_files_are_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is neither .*train-images-idx3-ubyte' nor the same with .gz; put the"):
        load_idx_images(tmp_path, "train")


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch):
    """Six images as CIFAR-10 and as CIFAR-100, in files that pass for the published ones; and what they hold."""
    images = np.random.default_rng(1).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)

    def put(folder, name, content):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pickle.dumps(content))
        return hashlib.md5(path.read_bytes()).hexdigest()

    for kind, key in ((CIFAR10, "labels"), (CIFAR100, "fine_labels")):
        parts = {name: (images[at : at + 2], at) for at, name in ((0, "first"), (2, "second"), (4, "third"))}
        sums = [
            [name, put(kind.base_folder, name, {"data": part.reshape(2, -1), key: [at, at + 1]})]
            for name, (part, at) in parts.items()
        ]
        names = put(kind.base_folder, kind.meta["filename"], {kind.meta["key"]: [*"abcdef"]})
        monkeypatch.setattr(kind, "train_list", sums[:2])
        monkeypatch.setattr(kind, "test_list", sums[2:])
        monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": names})
    return tmp_path, images.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar_is_read_as_published(cifar_folder, classes):
    folder, images = cifar_folder
    check(load_cifar(folder, "train", classes), images[:4], range(4))
    check(load_cifar(folder, "test", classes), images[4:], (4, 5))
    check(load_images(f"cifar{classes}:{folder}", "test"), images[4:], (4, 5))


def test_a_changed_or_missing_cifar_is_a_sentence_and_not_opened(cifar_folder):
    folder, _ = cifar_folder
    (folder / "cifar-100-python" / "first").write_bytes(b"cos\nmkdir\n(S'" + bytes(folder) + b"/made'\ntR.")
    for classes, place in ((100, folder), (10, folder / "nowhere")):
        with pytest.raises(
            ValueError, match=rf"with the published files of CIFAR-{classes}; download https.* unpack it"
        ):
            load_cifar(place, "train", classes)
    assert not (folder / "made").exists()
    with pytest.raises(ValueError, match="not a CIFAR with 20 classes; give 10 or 100"):
        load_cifar(folder, "train", 20)


@pytest.fixture
def pictures(tmp_path):
    """An image folder with two splits and two classes."""
    levels = {"train": (10, 200), "test": (40, 90)}
    for split, colours in levels.items():
        for name, level in zip("ab", colours, strict=True):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (6, 5), (level, 0, level)).save(tmp_path / split / name / "1.png")
    return tmp_path


def test_image_folders_are_read_by_name(pictures):
    images, labels = load_images(f"folder:{pictures}", "test")
    assert images.shape == (2, 3, 5, 6)
    assert labels.tolist() == [0, 1]
    assert torch.equal(images[:, :, 0, 0] * 255, torch.tensor([[40.0, 0, 40], [90, 0, 90]]))
    grey, labels = load_images(f"greyfolder:{pictures}", "train")
    assert grey.shape == (2, 1, 5, 6)
    assert labels.dtype == torch.int64


def test_image_folders_that_cannot_be_read_are_a_sentence(pictures):
    with pytest.raises(ValueError, match="there is no folder '.*nowhere/train'"):
        load_images(f"folder:{pictures / 'nowhere'}", "train")
    Image.new("L", (7, 5)).save(pictures / "train" / "a" / "2.png")
    with pytest.raises(
        ValueError, match=r"'.*/a/1.png' has 5 px by 6 px, '.*/a/2.png' has 5 px by 7 px; pass size= \(--size"
    ):
        load_images(f"folder:{pictures}", "train")
    assert load_images(f"folder:{pictures}", "train", size=4)[0].shape == (3, 3, 4, 4)
    (pictures / "test" / "a" / "1.png").write_text("no picture")
    with pytest.raises(ValueError, match="the image '.*test/a/1.png' cannot be read: it is of no kind"):
        load_images(f"folder:{pictures}", "test")


def test_test_classes_have_the_numbers_of_the_training_classes(pictures):
    """Without this, a split that lacks a class shifts the labels of those after it."""
    (pictures / "test" / "a" / "1.png").unlink()
    (pictures / "test" / "a").rmdir()
    assert load_images(f"folder:{pictures}", "test")[1].tolist() == [1]
    (pictures / "test" / "b").rename(pictures / "test" / "c")
    with pytest.raises(ValueError, match="class folder 'c' is none of the 2 classes of the folder '.*train'"):
        load_images(f"folder:{pictures}", "test")


def test_only_folders_take_a_size_and_names(pictures):
    for option in ({"size": 8}, {"names": ["a"]}):
        with pytest.raises(ValueError, match="size and names are for folders of image files, not for 'fashion-mnist'"):
            load_images("fashion-mnist", "test", **option)
    assert load_images(f"folder:{pictures}", "test", names=["b", "c", "a"])[1].tolist() == [0, 2]


def test_a_split_without_classes_has_no_labels(pictures):
    for name in "ab":
        (pictures / "test" / name / "1.png").rename(pictures / "test" / f"{name}.png")
        (pictures / "test" / name).rmdir()
    with pytest.raises(ValueError, match="has no class folders, so its images have no labels"):
        load_images(f"folder:{pictures}", "test")


def test_the_bundled_images_have_a_name():
    for ours, theirs in zip(load_images("fashion-mnist", "test"), load_fashion_mnist("test"), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("source", ["mnist", "idx", "idx:", "fog:folder", ""])
def test_an_unknown_name_is_answered_with_the_known_ones(source):
    message = (
        f"no images called {source!r}; name 'fashion-mnist', 'idx:folder', 'cifar10:folder', 'cifar100:folder', 'fo"
    )
    with pytest.raises(ValueError, match=message):
        load_images(source, "train")


@pytest.mark.parametrize(
    "read", [load_fashion_mnist, *(lambda split, f=f: f("", split) for f in (load_idx_images, load_cifar, load_images))]
)
def test_the_split_is_train_or_test(read):
    with pytest.raises(ValueError, match="the split is 'train' or 'test', not 'valid'"):
        read("valid")
