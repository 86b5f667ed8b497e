"""One image file as a tensor: every kind of file is read as what it shows, or refused with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import kornia_rs
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms import functional

Channels = Literal[1, 3]
EIGHT_BITS = ("1", "L", "P", "RGB", "CMYK", "YCbCr", "LA", "PA", "RGBA", "La", "RGBa", "RGBX")
"""Pillow's modes of at most 8 bits, which it converts into grey or RGB."""
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes of grey of 16 bits."""
ORIENTATION, BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 274, 258, 262, 0
"""Tags of TIFF files, the first also of Exif, and a value of the third."""


class _Refused(ValueError):
    """Why a file is not read, and the next step."""


def read_picture(path: str | Path, channels: Channels = 3, size: tuple[int, int] | None = None) -> Tensor:
    """The image in a file, float32 (channels, height, width) in [0, 1], as a viewer shows it.

    Values of 8 and 16 bits are divided by 255 and 65,535, and values of a float file must be in [0, 1]. An orientation
    in the file's Exif data is applied. Palettes, CMYK and YCbCr become RGB, and colours become grey where ``channels``
    is 1, by Pillow. With ``size`` (height, width), the image is also fitted by :func:`fit_picture`.

    ``ValueError``, with the file's name, for a file that cannot be read, that is transparent or has several frames,
    and for colours of 16 bits outside PNG, of which Pillow would drop half.
    """
    try:
        with Image.open(path) as image:
            picture = _picture(image, path, channels)
    except _Refused as refused:
        raise ValueError(f"the image {str(path)!r} {refused}") from refused
    except UnidentifiedImageError as error:
        raise ValueError(
            f"the image {str(path)!r} cannot be read: it is of no kind that Pillow knows, or damaged; convert it to "
            "PNG, or remove it"
        ) from error
    except Exception as error:  # on damaged bytes a decoder may raise anything
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"the image {str(path)!r} cannot be read: {reason}; it may be incomplete: replace or remove it"
        ) from error
    return picture if size is None else fit_picture(picture, size)


def fit_picture(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture (channel, height, width), resized until it covers ``size`` (height, width), and cut to its centre.

    For a square this is torchvision's ``Resize`` of the shorter side and ``CenterCrop``: bilinear, with antialiasing.

    >>> fit_picture(torch.rand(3, 30, 20), (16, 16)).shape
    torch.Size([3, 16, 16])
    """
    height, width = picture.shape[1:]
    if height * size[1] >= width * size[0]:  # the width decides
        covering = [max(size[0], size[1] * height // width), size[1]]
    else:
        covering = [size[0], max(size[1], size[0] * width // height)]
    resized = functional.resize(picture, covering, antialias=True)
    cropped: Tensor = functional.center_crop(resized, list(size)).clamp(0, 1)
    return cropped


def _picture(image: Any, path: str | Path, channels: Channels) -> Tensor:
    """The opened image, float32 (channels, height, width)."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # an MPO file is a photograph with previews behind it
        raise _Refused(f"has {frames} frames; save the one that is meant as a file of its own")
    if _is_deep_png(image):
        return _in_channels(_deep_png(image, path), channels)
    if image.mode in EIGHT_BITS:
        _check_no_colour_lost(image)
        opaque = _opaque(ImageOps.exif_transpose(image))
        converted: Tensor = functional.to_tensor(opaque.convert("L" if channels == 1 else "RGB"))
        return converted
    return _in_channels(_deep_grey(image), channels)


def _opaque(image: Any) -> Any:
    """The image without its alpha; it must be opaque everywhere."""
    if not image.has_transparency_data:
        return image
    whole = image.convert("RGBA")
    if whole.getchannel("A").getextrema()[0] < 255:
        raise _Refused("is transparent in places; put it on a background and save it without alpha")
    return whole.convert("RGB")


def _is_deep_png(image: Any) -> bool:
    return image.format == "PNG" and bool(image.tile) and ";16" in str(image.tile[0][3])


def _deep_png(image: Any, path: str | Path) -> Tensor:
    """A PNG file of 16 bits, float32 (1 or 3, height, width); Pillow would read colours as 8 bits."""
    if image.mode == "RGBA" and "LA" in str(image.tile[0][3]):
        raise _Refused("has grey of 16 bits with alpha; save it without alpha")
    values: np.ndarray = kornia_rs.io.read_image(str(path))
    if "transparency" in image.info or (values.shape[2] == 4 and values[..., 3].min() < 65_535):
        raise _Refused("is transparent in places; put it on a background and save it without alpha")
    planes = [Image.fromarray(values[..., place]) for place in range(min(3, values.shape[2]))]
    orientation = image.getexif().get(ORIENTATION, 1)
    for plane in planes:
        plane.getexif()[ORIENTATION] = orientation
    turned = np.stack([np.asarray(ImageOps.exif_transpose(plane)) for plane in planes])
    return torch.from_numpy(turned / 65_535).float()


def _check_no_colour_lost(image: Any) -> None:
    """Refuse colours of 16 bits, of which Pillow drops half."""
    deep = False
    if image.format == "TIFF":
        deep = max(image.tag_v2.get(BITS_PER_SAMPLE, (1,))) > 8
    elif image.format == "PPM" and image.tile and image.tile[0][0] == "ppm":
        deep = image.tile[0][3][1] > 255
    if deep:
        raise _Refused("has colours of more than 8 bits, which can be read from PNG files only; save it as PNG")


def _deep_grey(image: Any) -> Tensor:
    """Grey of 16 bits or of floats, float32 (1, height, width)."""
    wide = image.mode in SIXTEEN_BITS or (image.mode == "I" and image.format == "PPM")
    if not wide and image.mode != "F":
        raise _Refused(f"has values of a kind that is not read (Pillow's mode {image.mode}); save it as PNG")
    if image.format == "TIFF":
        tags = image.tag_v2
        if wide and max(tags.get(BITS_PER_SAMPLE, (16,))) != 16:
            raise _Refused(f"has values of {max(tags[BITS_PER_SAMPLE])} bits; save it with 8 or 16 bits")
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            raise _Refused("counts from white to black; save it the usual way, with 0 for black")
    values = np.asarray(ImageOps.exif_transpose(image), dtype=np.float64) / (65_535 if wide else 1)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # also where they are NaN
        raise _Refused(f"has float values from {low:.6g} to {high:.6g}; save it with values in [0, 1]")
    return torch.from_numpy(values).float()[None]


def _in_channels(values: Tensor, channels: Channels) -> Tensor:
    """Values (1 or 3, height, width) in as many channels as asked for."""
    if len(values) == channels:
        return values
    if channels == 3:
        return values.expand(3, -1, -1).clone()
    grey: Tensor = functional.rgb_to_grayscale(values)
    return grey.clamp(0, 1)
