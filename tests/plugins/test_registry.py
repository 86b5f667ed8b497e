"""Plugins made on the spot: a folder with a module and its metadata, as an installer would leave them."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gsmooth_core import (
    LatentCertifier,
    PluginError,
    PluginInfo,
    certify,
    get_certifier,
    get_corruption,
    get_noise,
    list_corruptions,
)
from gsmooth_core.plugins.registry import corruptions_of, provider_of

ROOT = Path(__file__).parents[2]
RECIPE = """
    import attrs
    from gsmooth_core import get_corruption, hookimpl

    @hookimpl
    def gsmooth_corruptions():
        defocus = get_corruption("defocus")
        return [attrs.evolve(defocus, name=name) for name in {names}]
"""


def test_installed_plugins_are_listed_without_importing_them():
    code = (
        "import sys; from gsmooth_core import list_corruptions; print([i.name for i in list_corruptions()]);"
        "assert not any(m.startswith(('gsmooth_plugin', 'torch', 'kornia')) for m in sys.modules), 'imported'"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "defocus" in shown
    assert "gaussianblur" in shown


def test_one_plugin_is_loaded_at_a_time():
    code = (
        "import sys; from gsmooth_core import get_corruption; get_corruption('gaussianblur');"
        "assert 'gsmooth_plugin_defocus' not in sys.modules, 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_strangers_plugin_is_found(install_plugin, example_model):
    install_plugin("misty", RECIPE.format(names=["misty", "misty:thick"]))
    assert PluginInfo("misty", "gsmooth-plugin-misty", "1.2") in list_corruptions()
    assert get_corruption("misty:thick").name == "misty:thick"
    report = certify(example_model, "misty", limit=1, radius=0.8)
    assert report.run.plugin == "gsmooth-plugin-misty 1.2"


def test_a_distribution_may_hold_a_family(install_plugin, example_model):
    names = ["elder", "elder:calm", "younger"]
    install_plugin(["elder", "younger"], RECIPE.format(names=names), distribution="gsmooth-plugin-siblings")
    family = [info for info in list_corruptions() if info.distribution == "gsmooth-plugin-siblings"]
    assert family == [PluginInfo(name, "gsmooth-plugin-siblings", "1.2") for name in ("elder", "younger")]
    assert [recipe.name for recipe in corruptions_of("elder")] == ["elder", "elder:calm"]
    assert [recipe.name for recipe in corruptions_of("younger")] == ["younger"]
    for name in names:
        report = certify(example_model, name, limit=1, radius=0.8)
        assert report.run.corruption == name
        assert report.run.plugin == "gsmooth-plugin-siblings 1.2"
    with pytest.raises(
        PluginError, match="the plugin 'younger' offers no 'younger:calm', but: younger; use one of them"
    ):
        get_corruption("younger:calm")


@pytest.mark.parametrize(
    ("names", "offered", "asked", "message"),
    [
        (
            ["uncle", "aunt"],
            ["uncle"],
            "aunt",
            r"'aunt' \(gsmooth-plugin-kin 1.2\) offers \['uncle'\], but must offer 'aunt'",
        ),
        (["niece"], ["niece", "nephew"], "niece", "or give each name an entry point of its own"),
        (["cousin1", "cousin2"], ["cousin1", "cousin2", "cousin2"], "cousin1", "each once"),
    ],
)
def test_a_family_that_breaks_a_convention_is_refused(install_plugin, names, offered, asked, message):
    module = f"gsmooth_plugin_kin_{asked}"
    install_plugin(names, RECIPE.format(names=offered), distribution="gsmooth-plugin-kin", module=module)
    with pytest.raises(PluginError, match=message):
        get_corruption(asked)


def test_a_family_and_another_plugin_may_not_share_a_name(install_plugin):
    install_plugin(["heir", "spare"], RECIPE.format(names=["heir", "spare"]), distribution="gsmooth-plugin-house")
    install_plugin("spare", RECIPE.format(names=["spare"]))
    assert get_corruption("heir").name == "heir"
    with pytest.raises(
        PluginError, match=r"gsmooth-plugin-house 1.2 and by gsmooth-plugin-spare 1.2; uninstall all but one"
    ):
        get_corruption("spare")


def test_the_documented_family_can_be_installed(tmp_path, monkeypatch):
    [project] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), flags=re.DOTALL)
    for word in ("weather", "drizzle", "haze"):  # under names that nobody takes
        project = project.replace(word, f"trial{word}")
    names = ["trialdrizzle", "trialhaze", "trialhaze:thick"]
    folder = tmp_path / "trialweather"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(project)
    (folder / "README.md").write_text("# Weather\n")
    (folder / "gsmooth_plugin_trialweather.py").write_text(textwrap.dedent(RECIPE.format(names=names)))
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", tmp_path / "site", folder]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert [recipe.name for name in names[:2] for recipe in corruptions_of(name)] == names
    assert {provider_of(name) for name in names} == {"gsmooth-plugin-trialweather 0.1.0"}


def test_a_broken_plugin_hurts_only_itself(install_plugin):
    install_plugin("sour", "import nonexistent_module_of_sour")
    assert "sour" in [info.name for info in list_corruptions()]
    with pytest.raises(
        PluginError, match=r"'sour' \(gsmooth-plugin-sour 1.2\) fails on import: ModuleNotFoundError"
    ) as caught:
        get_corruption("sour")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert get_corruption("defocus").name == "defocus"


def test_two_plugins_of_one_name_are_refused(install_plugin):
    install_plugin("twin", RECIPE.format(names=["twin"]), distribution="gsmooth-plugin-twin")
    install_plugin("twin", RECIPE.format(names=["twin"]), distribution="another-twin")
    with pytest.raises(PluginError, match=r"another-twin 1.2 and by gsmooth-plugin-twin 1.2; uninstall all but one"):
        get_corruption("twin")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("alias", RECIPE.format(names=["other"]), "the entry point and the name must be one word"),
        ("hollow", RECIPE.format(names=[]), "offers nothing; mark its function gsmooth_corruptions with @hookimpl"),
        ("unmarked", "def gsmooth_corruptions():\n    return []\n", "with @hookimpl"),
        (
            "single",
            "from gsmooth_core import get_corruption, hookimpl\n"
            "@hookimpl\ndef gsmooth_corruptions():\n    return get_corruption('defocus')\n",
            "it must return a list",
        ),
        ("double", RECIPE.format(names=["double", "double"]), "each once"),
        ("loud", RECIPE.format(names=["Loud"]), "in lower case"),
        (
            "odd",
            "from gsmooth_core import hookimpl\n@hookimpl\ndef gsmooth_corruptions():\n    return [1]\n",
            "offers 1, which is no corruption",
        ),
        (
            "typo",
            "from gsmooth_core import hookimpl\n@hookimpl\ndef gsmooth_corruption():\n    return []\n",
            "unknown hook 'gsmooth_corruption'",
        ),
    ],
)
def test_plugins_that_break_a_convention_are_refused(install_plugin, name, code, message):
    install_plugin(name, code)
    with pytest.raises(PluginError, match=message):
        get_corruption(name)


def test_third_party_noises_and_certifiers(install_plugin):
    install_plugin(
        "wide",
        """
        from gsmooth_core import Gaussian, hookimpl

        class Wide(Gaussian):
            name = "wide"

        @hookimpl
        def gsmooth_noises():
            return [Wide]
        """,
        group="gsmooth.noises",
    )
    install_plugin(
        "careful",
        """
        from gsmooth_core import LatentCertifier, hookimpl

        class Careful(LatentCertifier):
            name = "careful"

        @hookimpl
        def gsmooth_certifiers():
            return [Careful()]
        """,
        group="gsmooth.certifiers",
    )
    assert get_noise("wide")(std=1.0).shift(0.9, 0.1) == pytest.approx(1.2816, abs=1e-4)
    assert isinstance(get_certifier("careful"), LatentCertifier)
    assert "wide" not in [info.name for info in list_corruptions()]


def test_a_plugin_may_not_take_a_name_of_the_core(install_plugin):
    install_plugin(
        "latent",
        """
        from gsmooth_core import LatentCertifier, hookimpl

        @hookimpl
        def gsmooth_certifiers():
            return [LatentCertifier()]
        """,
        group="gsmooth.certifiers",
        distribution="impostor",
    )
    with pytest.raises(PluginError, match=r"by gsmooth-core \S+ and by impostor 1.2; uninstall all but one"):
        get_certifier("latent")


def test_unknown_names_are_answered_with_the_known_ones():
    laws = "exponential, foldedgaussian, gaussian, laplace, onesideduniform, uniform"
    with pytest.raises(PluginError, match=rf"the noise 'pink' \(installed: {laws}\)"):
        get_noise("pink")
    with pytest.raises(
        PluginError, match=r"the certifier 'magic' \(installed: enumeration, latent, resolvable, surrogate\)"
    ):
        get_certifier("magic")
