"""Image files of every kind: read as what they show, or refused with their name."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import CenterCrop, Compose, Resize
from torchvision.transforms.functional import to_tensor

from gsmooth_core.datasets.pictures import fit_picture, read_picture

GENERATOR = np.random.default_rng(0)
SOME = GENERATOR.integers(0, 256, (4, 5, 3), dtype=np.uint8)
DEEP = GENERATOR.integers(0, 65_536, (4, 5, 4)).astype(np.uint16)


def deep_png(values, colour_type, *chunks):
    """The bytes of a PNG of 16 bits, which Pillow cannot write in colour."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in body)


def turned(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def save(tmp_path, name, image, **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def wanted(values):
    """An array (height, width, channel) as float32 (channel, height, width)."""
    return torch.from_numpy(np.atleast_3d(values).transpose(2, 0, 1).copy()).float()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.webp"])
def test_eight_bits_are_read_as_torchvision_reads_them(tmp_path, name):
    path = save(tmp_path, name, Image.fromarray(SOME), **({"lossless": True} if name == "a.webp" else {}))
    assert torch.equal(read_picture(path), to_tensor(Image.fromarray(SOME)))
    assert torch.equal(read_picture(path, 1), to_tensor(Image.fromarray(SOME).convert("L")))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_grey_of_sixteen_bits_is_read_in_full(tmp_path, name):
    grey = DEEP[..., 0]
    path = tmp_path / name
    if name == "a.pgm":
        path.write_bytes(b"P5 5 4 65535\n" + grey.astype(">u2").tobytes())
    else:
        Image.fromarray(grey).save(path)
    expected = wanted(grey / 65_535)
    assert torch.equal(read_picture(path, 1), expected)
    assert torch.equal(read_picture(path, 3), expected.expand(3, 4, 5))


def test_colours_of_sixteen_bits_are_read_in_full_from_png(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(deep_png(DEEP[..., :3], 2))
    expected = wanted(DEEP[..., :3] / 65_535)
    assert torch.equal(read_picture(path), expected)
    weights = torch.tensor([0.2989, 0.587, 0.114]).view(3, 1, 1)
    assert torch.allclose(read_picture(path, 1), (expected * weights).sum(0, keepdim=True), atol=1e-6)
    opaque = DEEP.copy()
    opaque[..., 3] = 65_535
    path.write_bytes(deep_png(opaque, 6))
    assert torch.equal(read_picture(path), expected)
    path.write_bytes(deep_png(opaque[..., 2:], 4))
    with pytest.raises(ValueError, match="deep.png' has grey of 16 bits with alpha; save it without alpha"):
        read_picture(path)


def test_floats_are_read_in_the_unit_interval_only(tmp_path):
    values = GENERATOR.random((4, 5), dtype=np.float32)
    assert torch.equal(read_picture(save(tmp_path, "a.tif", Image.fromarray(values)), 1), wanted(values))
    for wrong, shown in ((values * 255, "from .* to 2"), (values - 1, "from -0"), (values * np.nan, "from nan to nan")):
        path = save(tmp_path, "b.tif", Image.fromarray(wrong))
        with pytest.raises(ValueError, match=rf"b.tif' has float values {shown}.*; save it with values in \[0, 1\]"):
            read_picture(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(tmp_path, orientation):
    """A photograph from a phone that was held upright is read upright."""
    exif = turned(orientation)
    path = save(tmp_path, "a.png", Image.fromarray(SOME), exif=exif)
    with Image.open(path) as image:
        shown = ImageOps.exif_transpose(image)
    assert shown.size == ((5, 4) if orientation < 5 else (4, 5))
    assert torch.equal(read_picture(path), to_tensor(shown))
    deep = tmp_path / "deep.png"
    deep.write_bytes(deep_png(np.uint16(SOME) * 257, 2, (b"eXIf", exif.tobytes()[6:])))
    assert torch.equal(read_picture(deep), to_tensor(shown))
    grey = save(tmp_path, "grey.png", Image.fromarray(DEEP[..., 0]), exif=exif)
    assert read_picture(grey, 1).shape == (1, *reversed(shown.size))


def test_palettes_bits_and_cmyk_become_colours(tmp_path):
    image = Image.fromarray(SOME)
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE)
    assert torch.equal(read_picture(save(tmp_path, "p.png", palette)), to_tensor(palette.convert("RGB")))
    bits = image.convert("1")
    assert set(read_picture(save(tmp_path, "bits.png", bits), 1).unique().tolist()) == {0, 1}
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert torch.allclose(
        read_picture(save(tmp_path, "c.jpg", cyan))[:, 4, 4], torch.tensor([0.0, 1.0, 1.0]), atol=0.02
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L"])
def test_alpha_is_dropped_only_where_it_is_opaque(tmp_path, mode):
    image = Image.fromarray(SOME)
    if mode in ("RGBA", "LA"):
        opaque = image.convert(mode)
        clear = opaque.copy()
        clear.putpixel((2, 1), (*clear.getpixel((2, 1))[:-1], 254))
        options = {}
        assert torch.equal(
            read_picture(save(tmp_path, "opaque.png", opaque)), to_tensor(image.convert(mode[:-1]).convert("RGB"))
        )
    else:
        clear = image.convert(mode)
        options = {"transparency": clear.getpixel((2, 1))}
    path = save(tmp_path, "clear.png", clear, **options)
    with pytest.raises(ValueError, match="clear.png' is transparent in places; put it on a background and save"):
        read_picture(path)


def test_deep_alpha_is_refused(tmp_path):
    path = tmp_path / "clear.png"
    for content in (
        deep_png(DEEP, 6),
        deep_png(DEEP[..., :3], 2, (b"tRNS", bytes(6))),
        deep_png(DEEP[..., :1], 0, (b"tRNS", bytes(2))),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="clear.png' is transparent in places"):
            read_picture(path)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_several_frames_are_refused(tmp_path, name):
    frames = [Image.new("RGB", (4, 4), (40 * place, 0, 0)) for place in range(3)]
    path = save(tmp_path, name, frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=f"{name}' has 3 frames; save the one that is meant"):
        read_picture(path)


def test_a_photograph_with_previews_is_its_first_picture(tmp_path):
    frames = [Image.new("RGB", (16, 16), (200 * place, 0, 0)) for place in range(2)]
    path = save(tmp_path, "a.jpg", frames[0], format="MPO", save_all=True, append_images=frames[1:])
    assert float(read_picture(path).max()) < 0.05


def test_what_would_be_lost_is_refused(tmp_path):
    tiff, ppm = tmp_path / "a.tif", tmp_path / "a.ppm"
    # a TIFF of one pixel, 3 × 16 bits
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 3, 110), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 116)]
    tags += [(277, 3, 1, 3), (278, 3, 1, 1)]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    tiff.write_bytes((head + entries + bytes(4)).ljust(110, b"\0") + struct.pack("<6H", 16, 16, 16, 1, 2, 3))
    ppm.write_bytes(b"P6 1 1 65535\n" + bytes(6))
    for path in (tiff, ppm):
        with Image.open(path) as image:
            assert image.mode == "RGB"
        with pytest.raises(ValueError, match=f"{path.name}' has colours of more than 8 bits, .* save it as PNG"):
            read_picture(path)
    path = save(tmp_path, "int.tif", Image.fromarray(np.full((2, 2), 5, np.int32)))
    with pytest.raises(ValueError, match=r"int.tif' has values of a kind that is not read \(Pillow's mode I\)"):
        read_picture(path)
    path = save(tmp_path, "white.tif", Image.fromarray(DEEP[..., 0]))
    content = path.read_bytes()
    tag = struct.pack("<HHI", 262, 3, 1)  # the photometric interpretation
    assert content.count(tag) == 1
    path.write_bytes(content.replace(tag + b"\1", tag + b"\0"))
    with pytest.raises(ValueError, match="white.tif' counts from white to black"):
        read_picture(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_a_truncated_file_is_named(tmp_path, name):
    path = save(tmp_path, name, Image.fromarray(GENERATOR.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    content = path.read_bytes()
    for length in (0, 3, 20, len(content) // 2):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=rf"the image '.*{name}' cannot be read: .*remove it"):
            read_picture(path)
    with pytest.raises(ValueError, match="the image '.*nowhere.png' cannot be read: No such file or directory"):
        read_picture(tmp_path / "nowhere.png")


@pytest.mark.parametrize("shape", [(40, 60), (61, 47), (32, 32), (20, 90), (8, 8)])
def test_fitting_a_square_is_torchvisions_resize_and_crop(shape):
    picture = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    theirs = Compose([Resize(32, antialias=True), CenterCrop(32)])(picture)
    assert torch.allclose(fit_picture(picture, (32, 32)), theirs, atol=1e-6)


@pytest.mark.parametrize("shape", [(40, 60), (61, 47), (10, 11)])
def test_fitting_a_rectangle_covers_it(shape):
    """A gradient over the picture stays a gradient around its centre."""
    picture = torch.linspace(0, 1, shape[1]).expand(1, *shape)
    fitted = fit_picture(picture, (24, 16))
    assert fitted.shape == (1, 24, 16)
    assert abs(float(fitted.mean()) - 0.5) < 0.03
    assert bool((fitted.diff(dim=2) > 0).all())
