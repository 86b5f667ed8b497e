"""Corruptions that each break one law of the conformance kit, and no other."""

import math

import attrs
import torch
from old_program import FloatNoise

from gsmooth_core import (
    AdditiveTransformation,
    Corruption,
    DiscreteTransformation,
    EnclosedTransformation,
    EnumerationCertifier,
    Finding,
    Gaussian,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    NoSmoothing,
    ParameterSmoothing,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    ScaledTransformation,
    StepTransformation,
)

RADIUS = {(1, 28, 28): 0.5, (3, 32, 32): 0.5}
LATENT = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3)


@attrs.frozen
class Shine(AdditiveTransformation):
    """x + b, as it should be."""

    space = ParameterSpace(-math.inf, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def transform(self, images, parameters):
        return images + parameters.view(-1, 1, 1, 1)


@attrs.frozen
class Veil(EnclosedTransformation):
    """x + ξ(0.9 − x), as it should be."""

    space = ParameterSpace(0, 1, 0, "share", "1")

    def region(self, radius):
        return Region(0, radius)

    def transform(self, images, parameters):
        return images + parameters.view(-1, 1, 1, 1) * (0.9 - images)

    def enclose(self, images, lower, upper):
        ends = torch.stack([self.apply(images, lower), self.apply(images, upper)])
        return ends.amin(dim=0), ends.amax(dim=0)


@attrs.frozen
class Stairs(StepTransformation):
    """Brighter in steps, as it should be."""

    space = ParameterSpace(0, 1, 0, "share", "1")

    def region(self, radius):
        return Region(0, radius)

    def level(self, parameters, height, width):
        return torch.ceil(10 * parameters.double().view(-1)).long()

    def transform(self, images, parameters):
        return images + 1e-3 * self.level(parameters, *images.shape[-2:]).to(images.dtype).view(-1, 1, 1, 1)


def resolvable(transformation, noise=Gaussian(0.6), **changes):
    parts = {"certifier": ResolvableCertifier(), "radius": RADIUS, "name": "shine"} | changes
    return Corruption(transformation=transformation, smoothing=ParameterSmoothing(transformation, noise), **parts)


def latent(transformation, smoothing=LATENT, radius=RADIUS):
    return Corruption("veil", transformation, smoothing, LatentCertifier(), radius)


def discrete(transformation):
    return Corruption("stairs", transformation, NoSmoothing(), EnumerationCertifier(), RADIUS)


class WiderColour(Shine):
    def transform(self, images, parameters):
        return super().transform(images, parameters) * (math.nan if images.shape[:2] == (2, 3) else 1)


class AlmostIdentity(Veil):
    def transform(self, images, parameters):
        return super().transform(images, parameters) + 1e-6

    def enclose(self, images, lower, upper):
        low, high = super().enclose(images, lower, upper)
        return low - 1e-6 * (lower == 0).view(-1, 1, 1, 1), high + 1e-6 * (lower == 0).view(-1, 1, 1, 1)


class FirstParameter(Shine):
    def transform(self, images, parameters):
        return super().transform(images, parameters[:1].expand_as(parameters) if images.shape[1] == 3 else parameters)


class Dice(Shine):
    def transform(self, images, parameters):
        torch.rand(1)
        return super().transform(images, parameters)


class Shortcut(Shine):
    def transform(self, images, parameters):
        moved = super().transform(images, parameters)
        if len(parameters) == 3 and not parameters.any():  # where no other law looks again at what it gave
            parameters.detach().add_(1e-13)
        return moved


class Coarse(Veil):
    def transform(self, images, parameters):
        return super().transform(images, parameters.float().double()).float().double()


class NoGradient(Shine):
    def transform(self, images, parameters):
        return super().transform(images, parameters.detach())


class Jump(Veil):
    def transform(self, images, parameters):
        return super().transform(images, parameters) + 0.05 * (parameters.view(-1, 1, 1, 1) > 0.3).to(images.dtype)

    def enclose(self, images, lower, upper):
        low, high = super().enclose(images, lower, upper)
        jumps = 0.05 * ((lower <= 0.3) & (upper > 0.3)).view(-1, 1, 1, 1)
        return low - jumps, high + jumps


class Forgiving(Shine):
    """Its bound leaves out that images are float32."""

    def composition_error(self, inner, outer, shape):
        return 1e-9


class Bent(Shine):
    def transform(self, images, parameters):
        return super().transform(images, parameters.sinh() if images.shape[1] == 3 else parameters)


@attrs.frozen
class Wavy(ScaledTransformation):
    """Its second parameter does nothing, so any scale composes."""

    space = ParameterSpace((-math.inf, -math.inf), (math.inf, math.inf), (0, 0), ("b", "idle"), ("1", "1"))

    def region(self, radius):
        return Region((-radius, -radius), (radius, radius))

    def scale(self, parameters):
        idle = 1 + (9 * parameters[:, 1]).sin().square() / 9
        return torch.stack([torch.ones_like(idle), idle], dim=1)

    def transform(self, images, parameters):
        return images + parameters[:, :1].to(images.dtype).view(-1, 1, 1, 1) + 0 * parameters[:, 1:].view(-1, 1, 1, 1)


class Forgetful(Stairs):
    def transform(self, images, parameters):
        return super().transform(images, parameters) + 1e-5 * (parameters.view(-1, 1, 1, 1) > 0.25).to(images.dtype)


class Halved(Veil):
    """In boxes of a width that the spot check of ``certify`` does not try."""

    def enclose(self, images, lower, upper):
        low, high = super().enclose(images, lower, upper)
        narrow = ((upper - lower > 1e-4) & (upper - lower < 1.6e-4)).view(-1, 1, 1, 1)
        middle = (low + high) / 2
        return torch.where(narrow, (low + middle) / 2, low), torch.where(narrow, (high + middle) / 2, high)


class Blunt(Veil):
    def enclose(self, images, lower, upper):
        low, high = super().enclose(images, lower, upper)
        return low - 0.001, high + 0.001


class Gambler(Gaussian):
    def quantile(self, probabilities):
        torch.rand(1)
        return super().quantile(probabilities)


class Aside(Gaussian):
    def quantile(self, probabilities):
        return super().quantile(probabilities) + 0.1 * self.std


class Boastful(Gaussian):
    def shift(self, p_a, p_b):
        return 1.05 * super().shift(p_a, p_b)


class Misjudged(Gaussian):
    """It says that it is wider than it is."""

    @property
    def deviation(self):
        return 1.05 * super().deviation


class Stubborn(Gaussian):
    def with_deviation(self, deviation):
        return self


class Hopeful(Gaussian):
    """It thinks that the worst event keeps more than it does."""

    def least_probability(self, p, shift):
        return super().least_probability(p, 0.85 * shift)


class Wandering(Shine):
    def region(self, radius):
        return Region(-radius, radius if radius < 0.225 else radius - 0.225)


class Clamped(Veil):
    def region(self, radius):
        return Region(0, min(radius, 1))


class Unequal(Shine):
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Careless(LatentSmoothing):
    def draw(self, count, code_shape, generator, device):
        return torch.randn(count, *code_shape, device=device) * self.latent_std


class Liar(ResolvableCertifier):
    def steps(self, task):
        finding = yield from super().steps(task)
        return Finding(finding.predicted, task.region if finding.predicted is not None else None, finding.guarantee, 1)


class Shimmering(Stairs):
    def transform(self, images, parameters):
        return super().transform(images, parameters) + (5e-10 if len(images) > 8 else 0)  # the last bits of float32


class Stretcher(IdentitySurrogate):
    """An encoder that doubles, and does not say so."""

    def encode_image(self, images):
        return 2 * images

    def decode(self, latents):
        return latents / 2


class Curved(IdentitySurrogate):
    """Its latent of a parameter is not affine, though noise on parameters is off."""

    def encode_parameters(self, parameters):
        return parameters.square().sum(dim=1).view(-1, 1, 1, 1) * 1e-2


class Timid(LatentSmoothing):
    """Half the noise that it promises."""

    def draw(self, count, code_shape, generator, device):
        return super().draw(count, code_shape, generator, device) / 2


MUTANTS = {
    "keeps_shape_type_and_device": resolvable(WiderColour()),
    "gives_back_the_image_at_the_identity": latent(AlmostIdentity()),
    "uses_each_images_own_parameters": resolvable(FirstParameter()),
    "draws_no_random_numbers": resolvable(Dice()),
    "leaves_its_input_untouched": resolvable(Shortcut()),
    "is_as_exact_in_float32": latent(Coarse()),
    "has_a_right_gradient": resolvable(NoGradient()),
    "is_continuous": latent(Jump()),
    "composes": resolvable(Bent()),
    "rounds_no_more_than_promised": resolvable(Forgiving()),
    "scales_as_promised": resolvable(Wavy()),
    "lists_every_distinct_output": discrete(Forgetful()),
    "encloses_its_outputs": latent(Halved()),
    "encloses_less_in_smaller_boxes": latent(Blunt()),
    "gives_each_image_the_same_bits_in_any_batch": discrete(Shimmering()),
    "stretches_no_more_than_promised": latent(Veil(), smoothing=LatentSmoothing(Stretcher(), 0.0, 0.6)),
    "encodes_parameters_affinely": latent(Veil(), smoothing=LatentSmoothing(Curved(), 0.0, 0.3)),
    "draws_latent_noise_of_its_covariance": latent(Veil(), smoothing=Timid(IdentitySurrogate(), 0.0, 0.3)),
    "draws_from_its_generator_alone": resolvable(Shine(), Gambler(0.6)),
    "draws_what_its_density_says": resolvable(Shine(), Aside(0.6)),
    "shifts_no_farther_than_quadrature": resolvable(Shine(), Boastful(0.6)),
    "knows_its_standard_deviation": resolvable(Shine(), Misjudged(0.6)),
    "takes_another_standard_deviation": resolvable(Shine(), Stubborn(0.6)),
    "knows_what_a_shift_leaves": resolvable(Shine(), Hopeful(0.6)),
    "fits_its_certifier": latent(Veil(), radius={(1, 28, 28): 0.5, (3, 32, 32): 40.0}),
    "nests_its_regions": resolvable(Wandering()),
    "refuses_parameters_outside_its_space": latent(Clamped()),
    "equals_its_copy": resolvable(Unequal()),
    "repeats_its_certificates": latent(Veil(), smoothing=Careless(IdentitySurrogate(), 0.0, 0.3)),
    "survives_an_attack": resolvable(Shine(), certifier=Liar(), radius={(1, 28, 28): 3.0}),
    "withstands_hostile_classifiers": latent(Veil(), smoothing=FloatNoise(IdentitySurrogate(), 0.0, 0.3)),
}
"""By the law that each breaks; ``bears_its_name_in_its_distribution`` needs installed plugins, which its test makes."""

SOUND = [resolvable(Shine()), latent(Veil()), discrete(Stairs())]
"""The same, as they should be."""


def loose(somewhere):
    """A veil whose enclosure is its centre alone where ``somewhere(images, lower, upper)`` says so."""

    class Loose(Veil):
        def enclose(self, images, lower, upper):
            low, high = super().enclose(images, lower, upper)
            centre = self.apply(images, (lower + upper) / 2)
            wrong = torch.as_tensor(somewhere(images, lower, upper)).view(-1, 1, 1, 1)
            return torch.where(wrong, centre, low), torch.where(wrong, centre, high)

    return latent(Loose())


LOOSE = {
    "in small boxes": loose(lambda images, lower, upper: upper - lower < 1e-4),
    "in tiny boxes": loose(lambda images, lower, upper: upper - lower < 1e-6),
    "at the region's lower end": loose(lambda images, lower, upper: lower == 0),
    "at the region's upper end": loose(lambda images, lower, upper: upper == 0.5),
    "on the whole region": loose(lambda images, lower, upper: upper - lower == 0.5),
    "of one row": loose(lambda images, lower, upper: images.shape[-2] == 1),
    "of one column": loose(lambda images, lower, upper: images.shape[-1] == 1),
    "of 2 x 2 px": loose(lambda images, lower, upper: images.shape[-2:] == (2, 2)),
}
"""Enclosures that are wrong for few boxes or images only."""

SOUND_BY_CLASS = {type(corruption.transformation): corruption for corruption in SOUND}
ANY_SIZE = (
    "keeps_shape_type_and_device",
    "gives_back_the_image_at_the_identity",
    "uses_each_images_own_parameters",
    "is_as_exact_in_float32",
    "is_continuous",
    "composes",
    "lists_every_distinct_output",
    "gives_each_image_the_same_bits_in_any_batch",
    "encloses_its_outputs",
)
"""Laws that are tried on images of one row, of one column, and of 2 x 2 px as well."""


def only_for(size, law):
    """The law's mutant for images of that size (height, width), and the sound corruption for all others."""
    wrong = MUTANTS[law].transformation
    [base] = [base for base in SOUND_BY_CLASS if isinstance(wrong, base)]
    sound = SOUND_BY_CLASS[base].transformation

    class OfOneSize(base):
        def transform(self, images, parameters):
            return (wrong if images.shape[-2:] == size else sound).transform(images, parameters)

        if base is Veil:

            def enclose(self, images, lower, upper):
                return (wrong if images.shape[-2:] == size else sound).enclose(images, lower, upper)

    make = {Shine: resolvable, Veil: latent, Stairs: discrete}[base]
    return make(OfOneSize())


@attrs.frozen
class Terraces(DiscreteTransformation):
    """Brighter by the number of parameters whose step is reached; the steps are 0.1 and 0.2."""

    careful: bool
    space = ParameterSpace((0, 0), (1, 1), (0, 0), ("a", "b"), ("1", "1"))

    def region(self, radius):
        return Region((0, 0), (radius, radius))

    def representatives(self, region, height, width):
        """The nearest of each output; if not careful, in an oblong box those with the other parameter at its end."""
        other = 0.0 if self.careful or region.upper[0] == region.upper[1] else 1.0
        points = [(0.0, 0.0), (0.1, other * region.upper[1]), (other * region.upper[0], 0.2), (0.1, 0.2)]
        points = torch.tensor(points, dtype=torch.float64)
        return points[region.contains(points)]

    def transform(self, images, parameters):
        reached = parameters >= torch.tensor([0.1, 0.2], dtype=torch.float64)
        return images + (reached.to(images.dtype) * torch.tensor([1e-3, 3e-3])).sum(dim=1).view(-1, 1, 1, 1)


class Small(Veil):
    """Refuses images of one row or one column."""

    def transform(self, images, parameters):
        if min(images.shape[-2:]) < 2:
            raise ValueError("give images of at least 2 x 2 px")
        return super().transform(images, parameters)


REFUSING = latent(Small())
