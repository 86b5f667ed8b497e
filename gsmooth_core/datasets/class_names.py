"""The names of a model's classes, and which class a folder is."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from gsmooth_core.common.notices import notify

WORDNET = re.compile(r"(n\d{8})\s+(.+)")
"""A line of ImageNet's lists: a WordNet ID, and names of the class."""

NamesSource = str | Path | int | Sequence[str]
"""What ``names=`` takes: a file, the number of classes, or the names themselves."""


@attrs.frozen
class ClassNames:
    """The classes of a model, in order.

    ``shown`` has a distinct name for each. ``known`` has the names by which a folder may be called, each with the
    classes that it may mean: first the names as given, then parts of them, then either in small letters. ``by_number``
    says that a folder may also have the number of a class, and ``source`` where the names are from.
    """

    shown: tuple[str, ...]
    known: tuple[Mapping[str, list[int]], ...]
    source: str
    by_number: bool

    @classmethod
    def of(cls, entries: Sequence[Sequence[str]], source: str) -> ClassNames:
        """From one or several names for each class, such as a WordNet ID and words."""
        parts = [_parts_of(entry) for entry in entries]
        loose = [[_loosely(name) for name in (*entry, *more)] for entry, more in zip(entries, parts, strict=True)]
        known = tuple(_places(names) for names in (entries, parts, loose))
        shown = _distinct([_shown(entry) for entry in entries])
        return cls(tuple(shown), known, source, not any(name.isdecimal() for name in known[0]))

    def index_of(self, folder: str) -> int:
        """The class of a folder: the one it is named after, or the one it numbers; otherwise ``ValueError``."""
        for names, name in zip(self.known, (folder, folder, _loosely(folder)), strict=True):
            places = names.get(name, [])
            if len(places) == 1:
                return places[0]
            if places:
                raise ValueError(
                    f"the class folder {folder!r} may be one of the classes {places} of {self.source}; name it by its "
                    "number"
                )
        if self.by_number and folder.isdecimal() and int(folder) < len(self.shown):
            return int(folder)
        near = difflib.get_close_matches(folder, {*self.known[0], *self.known[1]}, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(
            f"the class folder {folder!r} is none of the {len(self.shown)} classes of {self.source}{hint}; rename it, "
            "or give names in the order of the model's classes"
        )


def class_names(names: NamesSource) -> ClassNames:
    """The class names that ``names`` gives; ``ValueError`` for anything else.

    A file has one class a line, or is JSON: a list of names or of lists of names, an object from numbers to names as
    ImageNet's ``imagenet_class_index.json``, or one from names to numbers.

    >>> class_names(["n01440764 tench, Tinca tinca", "n01443537 goldfish"]).index_of("tench")
    0
    """
    if isinstance(names, str) and names.isdecimal():
        names = int(names)
    if isinstance(names, bool) or (isinstance(names, int) and names < 1):
        raise ValueError(f"names= as a number is how many classes the model has, not {names!r}; pass 1000, for example")
    if isinstance(names, int):
        return attrs.evolve(ClassNames.of([(str(place),) for place in range(names)], "names"), by_number=True)
    if isinstance(names, str | Path):
        return ClassNames.of(_read(Path(names)), repr(str(names)))
    return ClassNames.of(_entries(list(names), "names"), "names")


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Names sorted so that numbers in them count as numbers.

    >>> in_natural_order(["class10", "class2", "class1"])
    ['class1', 'class2', 'class10']
    """
    return sorted(names, key=lambda name: (_text_and_numbers(name), name))


def numbered(folders: Iterable[str], path: str | Path) -> ClassNames:
    """Class folders as classes in natural order, where no names were given.

    ``ValueError`` for numbers with gaps, which may be those of a model with more classes. A ``UserWarning`` where
    torchvision's ``ImageFolder``, which sorts numbers as text, has another order.
    """
    ordered = in_natural_order(folders)
    values = [int(folder) for folder in ordered if folder.isdecimal()]
    if len(values) == len(ordered) and values not in ([*range(len(values))], [*range(1, len(values) + 1)]):
        raise ValueError(
            f"the class folders of {str(path)!r} are numbers with gaps ({', '.join(ordered[:5])} …), so they may be "
            "classes of a larger model; pass names=1000 (--names 1000) for the numbers of its 1000 classes, or names "
            "in the order of the model's classes"
        )
    differing = [(ours, theirs) for ours, theirs in zip(ordered, sorted(ordered), strict=True) if ours != theirs]
    if differing:
        ours, theirs = differing[0]
        notify(
            f"the class folders of {str(path)!r} are numbered in natural order, {ours!r} before {theirs!r}, but "
            f"torchvision's ImageFolder sorts them as text, {theirs!r} before {ours!r}; if the model was trained in "
            "that order, name it with names= (--names on the command line)"
        )
    return class_folders(ordered, path)


def class_folders(folders: Sequence[str], path: str | Path) -> ClassNames:
    """Classes that are called as the folders of ``path`` are, in this order."""
    names = ClassNames.of([(folder,) for folder in folders], f"the folder {str(path)!r}")
    return attrs.evolve(names, shown=tuple(folders), by_number=False)


def _text_and_numbers(name: str) -> list[str | int]:
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name))]


def _read(path: Path) -> list[tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"the class names cannot be read from {str(path)!r}: {getattr(error, 'strerror', None) or error}; name a "
            "text file with one class a line, or a JSON file"
        ) from error
    if text[:1] not in ("[", "{"):
        return _entries([line.strip() for line in text.splitlines()], repr(str(path)))
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} looks like JSON but is not: {error}; correct it") from error
    return _entries(_in_order(content, path), repr(str(path)))


def _in_order(content: Any, path: Path) -> list[Any]:
    """A list of what JSON says about each class."""
    if isinstance(content, list):
        return content
    places: dict[int, Any] = {}
    for key, value in content.items():
        if type(value) is int:
            places[value] = [*places.get(value, []), key]
        elif key.isdecimal():
            places[int(key)] = value
    if len(places) == 0 or sorted(places) != [*range(len(places))]:
        raise ValueError(
            f"{str(path)!r} must give the names of the classes 0, 1, 2 … without gaps, as from '0' to a name, or from "
            "a name to 0; correct it"
        )
    return [places[place] for place in range(len(places))]


def _entries(content: list[Any], source: str) -> list[tuple[str, ...]]:
    """Each class's names; ``ValueError`` where one has none."""
    if not content:
        raise ValueError(f"{source} names no class; give one name for each class of the model")
    entries = []
    for place, entry in enumerate(content):
        words = (entry,) if isinstance(entry, str) else tuple(entry) if isinstance(entry, list | tuple) else ()
        if not words or not all(isinstance(word, str) and word.strip() for word in words):
            raise ValueError(f"{source} gives class {place} no name, but {entry!r}; give every class a name")
        entries.append(tuple(word.strip() for word in words))
    return entries


def _places(names: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """The classes that have each name."""
    places: dict[str, list[int]] = {}
    for place, own in enumerate(names):
        for name in dict.fromkeys(own):
            places.setdefault(name, []).append(place)
    return places


def _parts_of(entry: Sequence[str]) -> list[str]:
    """Other names of a class: its WordNet ID, its words without that, and each part between commas."""
    parts = []
    for word in entry:
        found = WORDNET.fullmatch(word)
        id_, rest = found.groups() if found else ("", word)
        parts += [id_, rest, *(part.strip() for part in rest.split(","))]
    return [part for part in parts if part]


def _loosely(name: str) -> str:
    """A name without its case, and with spaces for underscores and hyphens."""
    return name.casefold().replace("_", " ").replace("-", " ")


def _shown(entry: Sequence[str]) -> str:
    """What a class is called in a report: no WordNet ID if there is another name."""
    words = [word for word in entry if not re.fullmatch(r"n\d{8}", word)] or [*entry]
    found = WORDNET.fullmatch(words[0])
    return found.group(2) if found else words[0]


def _distinct(shown: list[str]) -> list[str]:
    """The names, the short form of each if it is the only one so called, and with numbers where two are the same."""
    short = [name.split(",")[0] for name in shown]
    often = Counter(short)
    names = [brief if often[brief] == 1 else name for brief, name in zip(short, shown, strict=True)]
    counts = Counter(names)
    return [f"{name} ({place})" if counts[name] > 1 else name for place, name in enumerate(names)]
