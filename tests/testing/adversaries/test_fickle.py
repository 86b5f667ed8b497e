"""Models that are no functions of the image are refused with a sentence, or nothing false is proved about them."""

import pytest
import torch

from gsmooth_core import Budget, certify, get_corruption, smooth
from gsmooth_core.statistics.bounds import lower_bound
from gsmooth_core.testing.adversaries import DOUBT, fickle

BUDGET = Budget(samples=400, alpha=1e-6, cells=64, batch=500)
DRAWS, TURNS = 8, 15


class Counting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)


def report_of(model, name, images):
    recipe = get_corruption(name)
    region = recipe.transformation.region(0.3 * recipe.default_radius((1, 28, 28)))
    return certify(model, recipe, images, radius=region, budget=BUDGET, progress=False)


def votes_by_turns(model, name, image):
    """Votes for class 0 and 1 on an image, asked a few draws at a time, beside a white image and after one."""
    classifier, white = smooth(model, name), torch.ones_like(image)[None]
    generator = torch.Generator().manual_seed(0)
    alone = sum(classifier.votes(image[None], DRAWS, generator) for _ in range(TURNS))
    beside = sum(classifier.votes(torch.cat([image[None], white]), DRAWS, generator)[:1] for _ in range(TURNS))
    after = torch.zeros_like(alone)
    for _ in range(TURNS):
        classifier.votes(white, DRAWS, generator)
        after += classifier.votes(image[None], DRAWS, generator)
    return {"few draws": alone[0], "beside another image": beside[0], "after another image": after[0]}


def false_certificates(model, name, images):
    """The ways of asking that contradict a certificate; ``None`` if the model is refused."""
    try:
        report = report_of(model, name, images)
    except ValueError:
        return None
    region, found = report.run.region, []
    end = torch.tensor([region.upper], dtype=torch.float64)
    for certificate in report.certificates[:3]:
        if certificate.certified:
            attacked = get_corruption(name).transformation.apply(images[certificate.index][None], end)[0]
            for way, votes in votes_by_turns(model, name, attacked).items():
                other = int(votes.sum() - votes[certificate.predicted])
                if lower_bound(other, int(votes.sum()), DOUBT) > 0.5:
                    found.append((certificate.index, way))
    return found


def tiring(name, images):
    """Tired after two thirds of the calls that certifying the images takes."""
    counting = Counting()
    report_of(counting, name, images)
    return fickle.Tiring(counting.calls * 2 // 3)


@pytest.mark.filterwarnings("ignore:The plain model answers")  # one class on all images
@pytest.mark.parametrize("name", ["defocus", "brightness"])
@pytest.mark.parametrize(
    "make",
    [
        lambda name, images: fickle.FirstRows(),
        lambda name, images: fickle.SmallBatches(),
        lambda name, images: fickle.Neighbours(),
        lambda name, images: fickle.Remembering(),
        lambda name, images: fickle.Overwriting(),
        tiring,
    ],
    ids=["first rows", "small batches", "neighbours", "remembering", "overwriting", "tiring"],
)
def test_a_fickle_model_is_refused_or_nothing_false_is_proved(make, name, test_images):
    images = test_images[:20]
    assert false_certificates(make(name, images), name, images) in (None, [])
