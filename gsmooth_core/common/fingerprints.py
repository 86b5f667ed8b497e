"""Digests of values: of what they hold and what their code does, the same in every process.

A value is taken apart into a tree (:mod:`gsmooth_core.common.anatomy` knows the parts of each kind), and the tree is
hashed. Two values with the same digest compute the same, as far as the tree covers them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import attrs
from torch import Tensor

from gsmooth_core.common import anatomy_of_code  # noqa: F401  # which makes functions and classes known to take_apart
from gsmooth_core.common.anatomy import take_apart

DEEPEST = 200
"""The depth to which values inside one another are followed."""


@attrs.frozen(eq=False)
class Node:
    """A value: its own text, and its parts by name; parts without a name have no order."""

    head: str
    parts: tuple[tuple[str, Node], ...] = ()


CHANGES = Node("changes from call to call")
"""In place of what :func:`steady` leaves out."""


def fingerprint(value: object) -> str:
    """SHA-256 (first 16 digits) of a value."""
    return digest(describe(value))[:16]


def describe(value: object) -> Node:
    """A value as a tree; if a value holds itself, the tree ends there."""
    done: dict[int, tuple[object, Node]] = {}  # keeps the values, so that no other value gets the address of one
    above: dict[int, int] = {}

    def node(value: object) -> Node:
        key = id(value)
        if key in done:
            return done[key][1]
        if key in above or len(above) >= DEEPEST:
            return Node(f"the value {len(above) - above.get(key, 0)} above")
        above[key] = len(above)
        head, parts = take_apart(value)
        made = [(name, node(part)) for name, part in parts]
        made.sort(key=lambda part: part[0] or digest(part[1]))
        del above[key]
        done[key] = (value, Node(head, tuple(made)))
        return done[key][1]

    return node(value)


def digest(tree: Node) -> str:
    """SHA-256 of a tree (64 digits)."""
    done: dict[int, str] = {}

    def of(node: Node) -> str:
        if id(node) not in done:
            words = [node.head, *(word for name, part in node.parts for word in (name, of(part)))]
            done[id(node)] = hashlib.sha256("".join(f"{len(word)} {word}" for word in words).encode()).hexdigest()
        return done[id(node)]

    return of(tree)


def steady(first: Node, second: Node) -> Node:
    """The common part of two trees of one value, without what changed in between: counters, reused memory."""
    done: dict[tuple[int, int], Node] = {}

    def of(one: Node, other: Node) -> Node:
        key = (id(one), id(other))
        if key not in done:
            names, same = [name for name, _ in one.parts], [name for name, _ in other.parts]
            pairs = [(a, b) for (_, a), (_, b) in zip(one.parts, other.parts, strict=False)]
            if (one.head, names) != (other.head, same) or ("" in names and digest(one) != digest(other)):
                done[key] = CHANGES
            else:
                done[key] = Node(one.head, tuple((name, of(*pair)) for name, pair in zip(names, pairs, strict=True)))
        return done[key]

    return of(first, second)


def image_hash(image: Tensor) -> str:
    """SHA-256 (first 16 digits) of an image's shape and float32 values."""
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def data_hash(images: Iterable[Tensor], labels: Sequence[int]) -> str:
    """SHA-256 (first 16 digits) of images in their order and of their labels."""
    parts = [*map(image_hash, images), *map(str, labels)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
