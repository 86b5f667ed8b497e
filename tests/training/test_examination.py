"""The figures of a surrogate, where each has a closed form, and its picture."""

import attrs
import pytest
import torch
from rich.console import Console
from torchvision.io import ImageReadMode, read_image

from gsmooth_core import (
    Corruption,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    Region,
    UNetSurrogate,
    examine_surrogate,
    get_corruption,
    save_imitations,
)

DIRECTION = torch.zeros(1, 1, 4, 4)
DIRECTION[0, 0, 0] = torch.tensor([0.3, 0.0, -0.4, 0.0])  # of length 0.5


@pytest.fixture
def recipe(drift):
    """A straight path of length 0.5 a px through image space, behind a surrogate that does nothing."""

    def make(aim="imitate", parameter_std=0.25, latent_std=0.2):
        surrogate = IdentitySurrogate()
        surrogate.card = {"aim": aim}
        smoothing = LatentSmoothing(surrogate, parameter_std, latent_std)
        return Corruption("drift", drift(DIRECTION, lower=0.0), smoothing, LatentCertifier())

    return make


@pytest.fixture
def images():
    return torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def test_figures_of_a_straight_path_have_closed_forms(recipe, images):
    imitation = examine_surrogate(recipe(), images, radius=2.0, points=11)
    assert imitation == examine_surrogate(recipe(), dataset=[*images, images[0]], limit=3, radius=2.0, points=11)
    assert imitation.largest_errors == pytest.approx([0.8] * 3, abs=1e-6)
    assert imitation.l2_errors == pytest.approx([1.0] * 3, abs=1e-6)
    assert imitation.path_lengths == pytest.approx([1.0 / 0.2] * 3, rel=1e-4)
    assert imitation.steepest == pytest.approx([1 / 0.25] * 3)
    assert imitation.figures() == {
        "largest error in a pixel, median image": pytest.approx(0.8),
        "largest error in a pixel, worst image": pytest.approx(0.8),
        "largest error in l2, median image": pytest.approx(1.0),
        "largest error in l2, worst image": pytest.approx(1.0),
        "length of the real path in d_Sigma, median image": pytest.approx(5.0, rel=1e-4),
        "length of the real path in d_Sigma, worst image": pytest.approx(5.0, rel=1e-4),
        "M* of Corollary 1, median image": pytest.approx(4.0),
        "M* of Corollary 1, worst image": pytest.approx(4.0),
    }


def test_each_aim_is_measured_by_what_it_shall_give(recipe, images):
    denoise, restore = (examine_surrogate(recipe(aim), images, radius=1.0, points=5) for aim in ("denoise", "restore"))
    assert max(denoise.largest_errors) == 0
    assert restore.l2_errors == pytest.approx([0.5] * 3, abs=1e-6)
    assert denoise.steepest == restore.steepest == ()
    assert not any("Corollary" in name for name in denoise.figures())
    assert examine_surrogate(recipe(parameter_std=0.0), images, radius=1.0, points=5).steepest == ()


def test_the_worst_image_is_the_worst():
    recipe = get_corruption("zoomblur")
    images = torch.stack([torch.full((1, 28, 28), 0.5), torch.eye(28)[None]])
    even, line = examine_surrogate(recipe, images, points=11).l2_errors
    assert even < 1e-5 < line
    figures = examine_surrogate(recipe, images, points=11).figures()
    assert figures["largest error in l2, worst image"] == line
    assert figures["largest error in l2, median image"] == pytest.approx((even + line) / 2)


def test_the_region_may_reach_to_both_sides(recipe, images, drift):
    both = attrs.evolve(recipe(), transformation=drift(DIRECTION))
    imitation = examine_surrogate(both, images, radius=Region(-1.0, 0.5), points=7)
    assert imitation.path_lengths == pytest.approx([0.75 / 0.2] * 3, rel=1e-4)
    assert imitation.l2_errors == pytest.approx([0.5] * 3, abs=1e-6)


def test_the_summary_shows_every_figure(recipe, images):
    console = Console(record=True, width=120)
    examine_surrogate(recipe(), images, radius=2.0, points=11).summary(console)
    shown = " ".join(console.export_text().split())
    assert "surrogate of drift (imitate): 3 images, 11 points per parameter" in shown
    for part in ("largest error in a pixel, worst image", "0.8", "length of the real path in d_Sigma", "5"):
        assert part in shown


def test_the_picture_has_a_row_as_it_shall_be_and_one_as_it_is(recipe, images, tmp_path):
    save_imitations(tmp_path / "shown.png", recipe("restore"), images[:1] * 0.5 + 0.2, radius=0.5, columns=3)
    picture = read_image(str(tmp_path / "shown.png"), ImageReadMode.GRAY).float() / 255
    assert picture.shape == (1, 2 * 5 + 1, 3 * 5 + 1)
    wanted = [picture[:, 1:5, left : left + 4] for left in (1, 6, 11)]
    given = [picture[:, 6:10, left : left + 4] for left in (1, 6, 11)]
    image = images[0] * 0.5 + 0.2
    for column, amount in enumerate((0.0, 0.25, 0.5)):
        torch.testing.assert_close(wanted[column], image, atol=4e-3, rtol=0)
        torch.testing.assert_close(given[column], (image + amount * DIRECTION[0]).clamp(0, 1), atol=4e-3, rtol=0)


def test_the_surrogate_is_given_back_as_it_was(images):
    surrogate = UNetSurrogate(width=4, depth=1).train()
    recipe = attrs.evolve(get_corruption("zoomblur"), smoothing=LatentSmoothing(surrogate, 0.1, 0.2))
    examine_surrogate(recipe, images, radius=0.2, points=3)
    assert surrogate.training


def test_what_cannot_be_examined_is_refused(recipe, images, tmp_path):
    with pytest.raises(ValueError, match="pass use_surrogate"):
        examine_surrogate(get_corruption("gaussianblur"), images, radius=1.0)
    with pytest.raises(ValueError, match="pass use_surrogate"):
        save_imitations(tmp_path / "shown.png", get_corruption("gaussianblur"), images, radius=1.0)
    with pytest.raises(ValueError, match="points must be a whole number of at least 2"):
        examine_surrogate(recipe(), images, radius=1.0, points=1)
    with pytest.raises(ValueError, match="divide by 255"):
        examine_surrogate(recipe(), images * 255, radius=1.0)
    with pytest.raises(ValueError, match="no default radius"):
        examine_surrogate(recipe(), images)
