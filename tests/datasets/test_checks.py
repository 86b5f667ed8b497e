"""Images and labels that are refused with the cure."""

import numpy as np
import pytest
import torch

from gsmooth_core.datasets.checks import check_images, check_labels


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (
            0.0,
            1 + 1e-6,
            r"\[0, 1.00000095\d+\]; they leave it by rounding or resizing only: clamp them with images.clamp",
        ),
        (-1e-7, 1.0, r"\[-1e-07, 1\]; they leave it by rounding"),
        (-0.01, 1.01, r"\[-0.01, 1.01\]; they leave it by rounding"),
        (0.0, 255.0, r"\[0, 255\]; undo any normalisation .* or divide by 255"),
        (-2.118, 2.64, r"\[-2.118, 2.64\]; undo any normalisation"),
    ],
)
def test_images_outside_the_interval_are_shown_to_be_so(low, high, shown):
    images = torch.full((1, 1, 2, 2), high)
    images[0, 0, 0, 0] = low
    with pytest.raises(ValueError, match=rf"images must lie in \[0, 1\], not in {shown}"):
        check_images(images)


@pytest.mark.parametrize("kind", [torch.tensor, np.array, list])
def test_labels_in_rows_are_told_what_to_do(kind):
    with pytest.raises(ValueError, match="one class per image, not rows of one number; use labels.squeeze"):
        check_labels(kind([[1], [2]]), 2)
    with pytest.raises(ValueError, match="not rows of 3; if the rows are one-hot, use labels.argmax"):
        check_labels(kind([[0, 1, 0], [1, 0, 0]]), 2)
    with pytest.raises(ValueError, match="labels must be whole numbers, one class per image; use labels.long"):
        check_labels(kind([1.0, 2.0]), 2)
    assert check_labels(kind([1, 2]), 2) == [1, 2]
