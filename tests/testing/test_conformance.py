"""The conformance kit catches each fault by the law that it breaks, and lets sound corruptions pass."""

import pytest
from mutants import ANY_SIZE, LOOSE, MUTANTS, REFUSING, SOUND, Terraces, discrete, only_for

from gsmooth_core import get_corruption
from gsmooth_core.testing import LAWS, conformance, laws_of
from gsmooth_core.testing.law import THIN

BY_NAME = {law.name: law for law in LAWS}
NAMES = "bears_its_name_in_its_distribution"


def broken(corruption, laws):
    """The names of the laws that a corruption breaks, with the sentences.

    Where ``certify`` itself refuses it, after its own spot check of another law, the law is not broken.
    """
    found = {}
    for law in laws:
        try:
            law(corruption)
        except AssertionError as error:
            found[law.name] = str(error)
        except ValueError as error:
            if "or no certificate would hold" not in str(error):
                raise
    return found


def test_every_law_has_a_mutant_and_says_what_it_wants():
    assert {*MUTANTS, NAMES} == set(BY_NAME)
    assert len(BY_NAME) == len(LAWS)
    assert all(law.check.__doc__ for law in LAWS)


@pytest.mark.parametrize("name", MUTANTS)
def test_each_law_catches_its_mutant(name):
    law = BY_NAME[name]
    assert law in laws_of(MUTANTS[name])
    with pytest.raises(AssertionError):
        law(MUTANTS[name])


@pytest.mark.parametrize("where", LOOSE)
def test_enclosures_that_are_wrong_here_and_there_are_caught(where):
    with pytest.raises(AssertionError, match="leaves its enclosure"):
        BY_NAME["encloses_its_outputs"](LOOSE[where])


@pytest.mark.parametrize("size", THIN)
@pytest.mark.parametrize("name", ANY_SIZE)
def test_laws_are_tried_on_images_of_one_row_and_of_one_column(name, size):
    with pytest.raises(AssertionError):
        BY_NAME[name](only_for(size, name))


@pytest.mark.parametrize("careful", [True, False])
def test_lists_must_serve_the_parts_of_oblong_boxes_too(careful):
    found = broken(discrete(Terraces(careful)), [BY_NAME["lists_every_distinct_output"]])
    assert bool(found) != careful


def test_thin_images_may_be_refused():
    assert broken(REFUSING, [BY_NAME[name] for name in ANY_SIZE if BY_NAME[name].concerns(REFUSING)]) == {}


ROUNDED = {"gives_back_the_image_at_the_identity", "has_a_right_gradient", "encloses_its_outputs"}
"""What a map that computes in float32 breaks as well: ``apply`` leaves no other way to be less exact."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_no_other_law_catches_it(name):
    found = broken(MUTANTS[name], [law for law in laws_of(MUTANTS[name]) if law.name != name])
    assert set(found) == (ROUNDED if name == "is_as_exact_in_float32" else set())


@pytest.mark.parametrize("corruption", SOUND, ids=lambda corruption: corruption.name)
def test_sound_corruptions_break_no_law(corruption):
    assert broken(corruption, laws_of(corruption)) == {}


NAMED = """
    from mutants import Shine, resolvable
    from gsmooth_core import hookimpl

    class Own(Shine):
        pass

    @hookimpl
    def gsmooth_corruptions():
        return [resolvable({kind}(), name=name) for name in {names}]
"""


@pytest.mark.parametrize(
    ("word", "kind", "places", "message"),
    [
        (
            "nowhere1",
            "Own",
            {"distribution": "another-name"},
            "the distribution of 'nowhere1' is called 'another-name'; call it 'gsmooth-plugin-nowhere1', or, where it",
        ),
        (
            "nowhere2",
            "Own",
            {"module": "gsmooth_plugin_nowhere22"},
            "the entry point 'nowhere2' leads to 'gsmooth_plugin_nowhere22'; have it in 'gsmooth_plugin_nowhere2', as",
        ),
        (
            "nowhere3",
            "Shine",
            {},
            "the transformation's class is defined in 'mutants'; have it in 'gsmooth_plugin_nowhere3', as its",
        ),
    ],
)
def test_a_plugin_at_odds_with_its_name_is_caught(install_plugin, word, kind, places, message):
    install_plugin(word, NAMED.format(kind=kind, names=[word]), **places)
    with pytest.raises(AssertionError, match=message):
        BY_NAME[NAMES](get_corruption(word))


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (["alone1"], {}),
        (["kin1", "kin2"], {"distribution": "gsmooth-plugin-whole-family"}),
        (["branch1"], {"distribution": "gsmooth-plugin-tree", "module": "gsmooth_plugin_tree.branches"}),
    ],
)
def test_plugins_alone_in_families_and_in_packages_bear_their_names(install_plugin, words, places):
    install_plugin(words, NAMED.format(kind="Own", names=words), **places)
    for word in words:
        recipe = get_corruption(word)
        assert BY_NAME[NAMES] in laws_of(recipe)
        assert broken(recipe, [BY_NAME[NAMES], BY_NAME["fits_its_certifier"], BY_NAME["equals_its_copy"]]) == {}
        assert f"{word}-{NAMES}" in items(conformance(word))


def items(test):
    [mark] = test.pytestmark
    return {item.id: item for item in mark.args[1]}


def test_each_variant_gets_an_item_a_law():
    found = items(conformance("defocus"))
    assert f"defocus-{NAMES}" in found
    assert "defocus-encloses_its_outputs" in found
    assert "defocus:discrete-lists_every_distinct_output" in found
    assert "defocus:discrete-is_continuous" not in found


def test_an_excuse_makes_a_strict_xfail_of_that_item_alone():
    found = items(conformance("defocus", excuses={"defocus-is_continuous": "known"}))
    excused = {name: item.marks for name, item in found.items() if item.marks}
    assert list(excused) == ["defocus-is_continuous"]
    [mark] = excused["defocus-is_continuous"]
    assert mark.name == "xfail"
    assert mark.kwargs == {"strict": True, "reason": "known"}
    assert sum(bool(item.marks) for item in items(conformance("defocus", excuses={"composes": "x"})).values()) == 0


def test_an_excuse_for_no_law_is_refused():
    with pytest.raises(ValueError, match="no law of 'defocus' is called 'is_pretty'"):
        conformance("defocus", excuses={"is_pretty": "no"})
