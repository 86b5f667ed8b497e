"""Plugins made on the spot: a folder with a module and its metadata, as an installer would leave them."""

import subprocess
import sys

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
    with pytest.raises(PluginError, match="impostor 1.2 and by gsmooth-core; uninstall"):
        get_certifier("latent")


def test_unknown_names_are_answered_with_the_known_ones():
    laws = "exponential, foldedgaussian, gaussian, laplace, onesideduniform, uniform"
    with pytest.raises(PluginError, match=rf"the noise 'pink' \(installed: {laws}\)"):
        get_noise("pink")
    with pytest.raises(
        PluginError, match=r"the certifier 'magic' \(installed: enumeration, latent, resolvable, surrogate\)"
    ):
        get_certifier("magic")
