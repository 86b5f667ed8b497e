"""The conformance kit catches each fault by the law that it breaks, and lets sound corruptions pass."""

import pytest
from mutants import ANY_SIZE, LOOSE, MUTANTS, REFUSING, SOUND, Terraces, discrete, only_for

from gsmooth_core import get_corruption
from gsmooth_core.testing import LAWS, conformance, laws_of
from gsmooth_core.testing.law import THIN

BY_NAME = {law.name: law for law in LAWS}
NAMES = "bears_one_name_in_four_places"


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


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_no_other_law_catches_it(name):
    assert broken(MUTANTS[name], [law for law in laws_of(MUTANTS[name]) if law.name != name]) == {}


@pytest.mark.parametrize("corruption", SOUND, ids=lambda corruption: corruption.name)
def test_sound_corruptions_break_no_law(corruption):
    assert broken(corruption, laws_of(corruption)) == {}


def test_a_plugin_with_two_names_is_caught(install_plugin):
    code = "from gsmooth_core import hookimpl, get_corruption\nimport attrs\n@hookimpl\ndef gsmooth_corruptions():\n"
    code += "    return [attrs.evolve(get_corruption('contrast'), name='moniker')]\n"
    install_plugin("moniker", code, distribution="another-name")
    with pytest.raises(AssertionError, match="the distribution is 'another-name', not 'gsmooth-plugin-moniker'"):
        BY_NAME[NAMES](get_corruption("moniker"))


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
