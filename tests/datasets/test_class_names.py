"""Class names from lists and files, and which class a folder is."""

import json

import pytest

from gsmooth_core.datasets.class_names import class_names, in_natural_order, numbered

SYNSETS = (
    "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\nn01484850 great white shark, white shark\n"
)
CLASS_INDEX = {
    "0": ["n01440764", "tench"],
    "1": ["n01443537", "goldfish"],
    "2": ["n01484850", "great_white_shark"],
}


@pytest.mark.parametrize(
    "content",
    [
        SYNSETS,
        "\ufeff" + SYNSETS.replace("\n", "\r\n") + "\n\n",
        json.dumps(CLASS_INDEX),
        json.dumps(list(CLASS_INDEX.values())),
        json.dumps({"goldfish": 1, "n01443537": 1, "great white shark": 2, "n01484850": 2, "tench": 0, "n01440764": 0}),
    ],
)
def test_every_list_of_imagenet_finds_folders_by_words_id_and_number(tmp_path, content):
    path = tmp_path / "names.txt"
    path.write_bytes(content.encode())
    for source in (path, str(path)):
        names = class_names(source)
        assert [name.replace("_", " ") for name in names.shown] == ["tench", "goldfish", "great white shark"]
        for folders in (("tench", "Goldfish", "great_white_shark"), ("n01440764", "n01443537", "n01484850"), "012"):
            assert [names.index_of(folder) for folder in folders] == [0, 1, 2]
        assert names.index_of("0002") == 2


def test_names_are_a_list_or_a_number():
    assert class_names(["b", "a"]).index_of("a") == 1
    for count in (1000, "1000"):
        names = class_names(count)
        assert len(names.shown) == 1000
        assert [names.index_of(folder) for folder in ("0000", "17", "0217")] == [0, 17, 217]
    assert class_names(["1", "2", "3"]).index_of("1") == 0  # names come before numbers
    with pytest.raises(ValueError, match="'0' is none of the 3 classes of names"):
        class_names(["1", "2", "3"]).index_of("0")


def test_names_that_two_classes_have_are_told_apart():
    names = class_names(["n02012849 crane", "n01440764 tench", "n03126707 crane"])
    assert names.shown == ("crane (0)", "tench", "crane (2)")
    assert names.index_of("n03126707") == 2
    with pytest.raises(ValueError, match=r"'crane' may be one of the classes \[0, 2\] of names; name it by its number"):
        names.index_of("crane")
    assert class_names(["cars, red", "cars, blue"]).shown == ("cars, red", "cars, blue")
    assert class_names(["A", "a"]).index_of("a") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names no class; give one name for each"),
        ("cat\n\ndog", "gives class 1 no name, but ''"),
        ("[1, 2]", "gives class 0 no name, but 1"),
        ('{"0": "cat", "2": "dog"}', "must give the names of the classes 0, 1, 2 … without gaps"),
        ('{"cat": "dog"}', "must give the names of the classes 0, 1, 2"),
        ("[", "looks like JSON but is not"),
    ],
)
def test_a_file_without_names_is_a_sentence(tmp_path, content, message):
    path = tmp_path / "names"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        class_names(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ValueError, match="the class names cannot be read from '.*names': .*; name a text file with"):
        class_names(path)
    with pytest.raises(ValueError, match="cannot be read from 'nowhere': No such file or directory; name a text file"):
        class_names("nowhere")
    with pytest.raises(ValueError, match="how many classes the model has, not 0; pass 1000"):
        class_names(0)


def test_a_misspelt_folder_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"'tenche' is none of the 2 classes of names \(did you mean 'tench'\?\); ren"):
        class_names(["tench", "goldfish"]).index_of("tenche")


def test_numbers_in_names_count_as_numbers():
    folders = [str(place) for place in range(12)]
    assert in_natural_order(sorted(folders)) == folders
    assert in_natural_order(["b", "a2", "a10", "a"]) == ["a", "a2", "a10", "b"]
    with pytest.warns(UserWarning, match="natural order, '2' before '10', but torchvision's .* as text"):
        assert numbered(folders, "here").shown == tuple(folders)


def test_numbers_with_gaps_are_not_guessed():
    """They may be the numbers of a model's classes, or a list of its own."""
    for folders in (["0", "1", "2"], ["1", "2", "3"], ["0001", "0002"], ["3a", "7a"]):
        assert numbered(folders, "here").shown == tuple(folders)
    with pytest.raises(
        ValueError, match=r"of 'here' are numbers with gaps \(0000, 0217 …\).*names=1000 \(--names 1000"
    ):
        numbered(["0000", "0217"], "here")
