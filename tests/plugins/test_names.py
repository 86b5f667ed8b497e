"""Names that are not installed: which one was meant, and no package that this project does not publish."""

import re
import tomllib
from pathlib import Path

import pytest

from gsmooth_core import PluginError, get_certifier, get_corruption, get_noise, list_corruptions
from gsmooth_core.plugins.names import MISSING, OTHER_NAMES, PUBLISHED, advice_on

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_the_published_names_are_those_of_the_folders_that_are_released():
    released = sorted(file.parent.name for file in PLUGINS.glob("*/LICENSE"))
    assert list(PUBLISHED) == released
    for name in released:
        project = tomllib.loads((PLUGINS / name / "pyproject.toml").read_text())["project"]
        assert project["name"] == f"gsmooth-plugin-{name}"
        assert name in project["entry-points"]["gsmooth"]
    assert set(OTHER_NAMES.values()) <= set(PUBLISHED)
    assert not set(MISSING) & set(PUBLISHED)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("defocus_blur", "defocus"),
        ("Defocus", "defocus"),
        ("defocus blur", "defocus"),
        ("defocus_blur:discrete", "defocus:discrete"),
        ("zoom_blur", "zoomblur"),
        ("zoom-blur", "zoomblur"),
        ("motion_blur", "motionblur"),
        ("gaussian_blur", "gaussianblur"),
        ("gaussian blur", "gaussianblur"),
        ("GaussianBlur", "gaussianblur"),
        ("rotational_blur", "rotationalblur"),
        ("brightness_contrast", "brightnesscontrast"),
        ("Pixelate", "pixelate"),
        ("pixelation", "pixelate"),
        ("rotate", "rotation"),
        ("defocuss", "defocus"),
    ],
)
def test_another_spelling_is_answered_with_the_installed_name(asked, meant):
    with pytest.raises(PluginError, match=re.escape(f"Did you mean {meant!r}?")) as caught:
        get_corruption(asked)
    assert "pip" not in str(caught.value)


@pytest.mark.parametrize("asked", ["jpeg_compression", "snow", "fog", "glass_blur", "Elastic-Transform", "shot_noise"])
def test_what_does_not_exist_is_to_be_written(asked):
    with pytest.raises(
        PluginError, match=r"gsmooth has no such corruption. To write it: gsmooth new [a-z]+$"
    ) as caught:
        get_corruption(asked)
    assert "pip" not in str(caught.value)
    assert "mean" not in str(caught.value)


def test_a_package_is_named_only_where_this_project_publishes_it():
    for asked in ("nosuch", "gauss", "requests", "../x", "a b", "", "日本"):
        assert "pip" not in advice_on(asked, [])
    for name in PUBLISHED:
        assert advice_on(name, []).startswith(f"Install it: pip install gsmooth-plugin-{name}, or in a clone")
    assert advice_on("Zoom-Blur:discrete", ["defocus"]).startswith(
        "Did you mean 'zoomblur:discrete'? Install it: pip install gsmooth-plugin-zoomblur, "
    )
    assert advice_on("misty fog", ["mistyfog"]) == "Did you mean 'mistyfog'?"
    assert advice_on("../x y", []).startswith("Check the name. To write it: gsmooth new xy. If a plugin of yours")
    assert advice_on("3d", []) == "Check the name."
    assert list_corruptions()


def test_noises_and_certifiers_have_no_package():
    with pytest.raises(PluginError, match="Did you mean 'gaussian'\\?"):
        get_noise("Gausian")
    with pytest.raises(PluginError, match="Use one of them, or install the plugin that has it"):
        get_certifier("magic")
