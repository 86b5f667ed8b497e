"""Datasets of pairs, of images, and of what is neither."""

import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import ToTensor

from gsmooth_core.datasets.inputs import gather

IMAGES = torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(0))


class Items(Dataset):
    """A dataset of these items."""

    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return self.items[place]


def gathered(dataset):
    return gather(None, None, dataset, None, None)


@pytest.mark.parametrize(
    "dataset", [Items(*IMAGES), TensorDataset(IMAGES), Items(*((image, None) for image in IMAGES)), IMAGES]
)
def test_items_without_labels_are_images(dataset):
    inputs = gathered(dataset)
    assert inputs.labels is None
    assert torch.equal(inputs.images, IMAGES)


@pytest.mark.parametrize("label", [2, torch.tensor(2), torch.tensor([2]), torch.tensor(2).numpy()])
def test_labels_are_numbers_of_any_kind(label):
    assert gathered(Items(*((image, label) for image in IMAGES))).labels == [2, 2, 2]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(IMAGES[0], torch.eye(3)[1])], "not rows of 3; if the rows are one-hot, use labels.argmax"),
        ([(IMAGES[0], [0, 1, 0])], "not rows of 3; if the rows are one-hot"),
        ([(IMAGES[0], 1.0)], "labels must be whole numbers, one class per image; use labels.long"),
        ([(IMAGES[0], "cat")], "labels must be whole numbers"),
        ([(IMAGES[0], 1), IMAGES[1]], "only some items of the dataset have labels"),
        ([(IMAGES[0], 1, 2)], r"a pair \(image, label\), or an image, for each item, not 3 values; wrap it"),
        ([{"image": IMAGES[0]}], "or an image, for each item, not dict; wrap it"),
        ([(Image.new("L", (4, 4)), 1)], r"images as tensors, not Image; give it a transform such as .*ToTensor"),
        ([IMAGES[0], IMAGES[1, :, 1:]], r"differ in shape \(\(1, 4, 5\) and \(1, 3, 5\)\); resize them to one, as"),
    ],
)
def test_other_items_are_a_sentence(items, message):
    with pytest.raises(ValueError, match=message):
        gathered(Items(*items))


def test_class_names_are_those_of_the_dataset():
    dataset = Items(*((image, 0) for image in IMAGES))
    plain = gathered(dataset)
    assert plain.class_names == ()
    for classes, names in (
        (["a", "b"], ("a", "b")),
        ([("tench", "Tinca tinca"), ("goldfish",)], ("tench, Tinca tinca", "goldfish")),
        (["a", "a"], ()),
        ([1, 2], ()),
        (2, ()),
    ):
        dataset.classes = classes
        assert gathered(dataset).class_names == names
        assert gathered(Subset(dataset, [0, 1])).class_names == names
        assert (gathered(dataset).data_hash == plain.data_hash) == (not names)


def test_a_damaged_file_of_torchvisions_folder_is_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.effect_noise((64, 64), 50).save(tmp_path / name / "1.png")
    path = tmp_path / "b" / "1.png"
    path.write_bytes(path.read_bytes()[:500])
    folder = ImageFolder(tmp_path, transform=ToTensor())
    for dataset in (folder, Subset(folder, [1])):
        with pytest.raises(ValueError, match="the image '.*/b/1.png' cannot be read: .*; replace or remove it"):
            gathered(dataset)
