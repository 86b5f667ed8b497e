"""Laws of the transformation: what every proof assumes about the map τ(ξ, x)."""

from __future__ import annotations

import torch
from torch import Tensor

from gsmooth_core.corruption import Corruption
from gsmooth_core.engine.spot_checks import telling_boxes
from gsmooth_core.testing.law import (
    channels_of,
    ends_of,
    every_shape_of,
    everyone,
    generator,
    images_of,
    largest,
    make,
    parameters_of,
    radius_of,
    region_of,
    require,
    small_of,
)
from gsmooth_core.transformations import laws
from gsmooth_core.transformations.base import (
    EnclosedTransformation,
    ResolvableTransformation,
    SampledTransformation,
    ScaledTransformation,
    Transformation,
)
from gsmooth_core.transformations.discrete import DiscreteTransformation
from gsmooth_core.transformations.regions import Box, Region


def keeps_shape_type_and_device(corruption: Corruption) -> None:
    """``apply`` takes 8 × 8 to 224 × 224 px, 1 or 3 channels, float32 and float64, on any device, and keeps them.

    It also takes images of one row, one column, and 2 × 2 px, or refuses them with ``ValueError``.
    """
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for shape in (*every_shape_of(corruption), (3, 224, 224)):
            for dtype in (torch.float32, torch.float64):
                images = images_of(2, shape, dtype).to(device)
                applied: object = corruption.transformation.apply(images, parameters_of(corruption, 2).to(images))
                require(isinstance(applied, Tensor), f"apply returned {type(applied).__name__}, no tensor")
                assert isinstance(applied, Tensor)
                for name in ("shape", "dtype", "device"):
                    given, got = getattr(images, name), getattr(applied, name)
                    require(given == got, f"apply changed the {name} of {shape} images from {given} to {got}")
                require(bool(applied.isfinite().all()), f"apply made NaN or infinity of {shape} images")


def gives_back_the_image_at_the_identity(corruption: Corruption) -> None:
    """``τ(ξ₀, x) = x`` to the last bit, alone and beside other parameters; ``transform`` itself is within 1e-9 of x."""
    transformation = corruption.transformation
    for shape in every_shape_of(corruption):
        moved = laws.change_at_identity(transformation, images_of(4, shape))
        require(
            moved < 1e-9,
            f"at the identity, transform changes {shape} images by up to {moved:.2g}; if it changes every image, as "
            "JPEG does, say unchanged_at_identity=False in its ParameterSpace",
        )
        for dtype in (torch.float32, torch.float64):
            images = images_of(4, shape, dtype)
            parameters = parameters_of(corruption, 4).to(dtype)
            parameters[:2] = torch.tensor(transformation.space.identity, dtype=dtype)
            together, alone = (transformation.apply(images[:n], parameters[:n])[:2] for n in (4, 2))
            for applied in (together, alone):
                gap = largest(applied - images[:2])
                require(gap == 0, f"at the identity, {shape} images of {dtype} change by up to {gap:.2g}")


def uses_each_images_own_parameters(corruption: Corruption) -> None:
    """The outputs of a batch are those of its images one at a time."""
    transformation = corruption.transformation
    for shape in every_shape_of(corruption):
        gap = laws.influence_of_others(transformation, images_of(6, shape), parameters_of(corruption, 6))
        require(gap < 1e-9, f"in a batch, {shape} images differ by up to {gap:.2g} from the same images alone")


def draws_no_random_numbers(corruption: Corruption) -> None:
    """Two calls give the same outputs, and torch's global generator is not used."""
    images, parameters = images_of(3, small_of(corruption)), parameters_of(corruption, 3)
    state = torch.random.get_rng_state()
    first = corruption.transformation.apply(images, parameters)
    require(torch.equal(state, torch.random.get_rng_state()), "apply draws from torch's global generator")
    second = corruption.transformation.apply(images, parameters)
    require(torch.equal(first, second), "two calls with the same images and parameters differ")


def leaves_its_input_untouched(corruption: Corruption) -> None:
    """The given images and parameters are not changed, and the result shares no memory with them."""
    for identity in (False, True):
        images, parameters = images_of(3, small_of(corruption)), parameters_of(corruption, 3)
        if identity:
            parameters[:] = torch.tensor(corruption.transformation.space.identity, dtype=torch.float64)
        copies = images.clone(), parameters.clone()
        corruption.transformation.apply(images, parameters).add_(1)
        kept = torch.equal(images, copies[0]) and torch.equal(parameters, copies[1])
        require(kept, "apply changes the images or parameters that it is given, or returns their memory")


def is_as_exact_in_float32(corruption: Corruption) -> None:
    """Outputs in float32 and float64 agree to 1e-5 of their size, under autocast too, because margins rely on it.

    Also, ``transform`` computes in float64: not all of its results are float32 numbers.
    """
    for shape in every_shape_of(corruption):
        exact = corruption.transformation.transform(images_of(8, shape, seed=3), parameters_of(corruption, 8, seed=3))
        halved = bool(exact.any()) and torch.equal(exact, exact.float().double())
        require(not halved, f"transform gives float32 numbers for float64 {shape} images; leave types alone in it")
    for shape in every_shape_of(corruption):
        images, parameters = images_of(8, shape, torch.float32), parameters_of(corruption, 8).float()
        exact = corruption.transformation.apply(images.double(), parameters.double())
        for autocast in (False, True):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                applied = corruption.transformation.apply(images, parameters)
            gap = largest(applied.double() - exact) / (1 + largest(exact))
            where = f"float32 results of {shape} images{' under autocast' * autocast}"
            require(gap < 1e-5, f"{where} are off by {gap:.2g} of their size; leave types and autocast alone")


def has_a_right_gradient(corruption: Corruption) -> None:
    """Derivatives in the parameters and in the image equal finite differences."""
    image = images_of(3, small_of(corruption, size=8), seed=1)[1::2]
    identity = torch.tensor(corruption.transformation.space.identity, dtype=torch.float64)
    for number, share in enumerate((1.0, 0.3)):
        nearer = identity + share * (parameters_of(corruption, 1, seed=5) - identity)
        images, parameters = (value.clone().requires_grad_() for value in (image, nearer))
        try:
            torch.autograd.gradcheck(corruption.transformation.apply, (images, parameters))
        except (RuntimeError, ValueError) as error:
            first = str(error).partition("\n")[0].rstrip(",:")
            of = {"0": "image", "1": "parameters"}.get(first[-1], "inputs")
            sentence = f"the gradient in the {of} is wrong (case {number}: {first}); is something detached or rounded?"
            raise AssertionError(sentence) from error


def is_continuous(corruption: Corruption) -> None:
    """No jump along straight lines from the identity: the largest changes of a scan vanish in a finer scan."""
    start = torch.tensor([corruption.transformation.space.identity], dtype=torch.float64)
    targets = torch.cat([ends_of(corruption, region_of(corruption)), parameters_of(corruption, 1, seed=3)])
    thin = [shape for shape in every_shape_of(corruption) if min(shape[1:]) < 3]
    for shape in (small_of(corruption), *thin):
        for target in targets:
            _require_continuous(corruption.transformation, images_of(1, shape, seed=2), start, target)


def _require_continuous(transformation: Transformation, image: Tensor, start: Tensor, target: Tensor) -> None:
    def at(shares: Tensor) -> Tensor:
        return _outputs(transformation, image, torch.lerp(start, target, shares[:, None]))

    def change(first: Tensor, second: Tensor) -> Tensor:
        return (first - second).abs().amax(dim=1)

    shares = torch.linspace(0, 1, 257, dtype=torch.float64)
    outputs = at(shares)
    widest = change(outputs[1:], outputs[:-1]).topk(12).indices
    low, high = shares[widest], shares[widest + 1]
    for _ in range(40):
        middle = (low + high) / 2
        left, centre, right = at(torch.cat([low, middle, high])).chunk(3)
        lower_half = change(left, centre) >= change(centre, right)
        low, high = torch.where(lower_half, low, middle), torch.where(lower_half, middle, high)
    jump = largest(at(high) - at(low))
    where = torch.lerp(start, target, high[:1]).tolist()
    require(
        jump < 1e-4,
        f"an image of shape {tuple(image.shape[1:])} jumps by {jump:.2g} near {where}; a map with finitely many "
        "outputs is a DiscreteTransformation or StepTransformation",
    )


def composes(corruption: Corruption) -> None:
    """``τ(outer, τ(inner, x)) = τ(compose(outer, inner), x)``: to 1e-10 in float64, 1e-5 in float32."""
    transformation = corruption.transformation
    assert isinstance(transformation, ResolvableTransformation)
    for dtype, allowed in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        for shape in every_shape_of(corruption):
            images = images_of(8, shape, dtype)
            inner, outer = (parameters_of(corruption, 8, seed).to(dtype) for seed in (1, 2))
            gap = laws.composition_gap(transformation, images, outer, inner)
            require(gap < allowed, f"{dtype}, {shape}: two in a row differ from their composition by {gap:.2g}")


def scales_as_promised(corruption: Corruption) -> None:
    """``scale`` is positive, 1 at the identity, and monotone in each parameter alone."""
    transformation = corruption.transformation
    assert isinstance(transformation, ScaledTransformation)
    identity = torch.tensor([transformation.space.identity], dtype=torch.float64)
    require(bool((transformation.scale(identity) == 1).all()), "scale is not 1 at the identity")
    region, parameters = region_of(corruption), parameters_of(corruption, 16)
    for index in range(region.dimension):
        line = torch.linspace(region.lower[index], region.upper[index], 101, dtype=torch.float64)
        for row in parameters:
            along = row.repeat(len(line), 1)
            along[:, index] = line
            scales = transformation.scale(along)
            steps = scales.diff(dim=0)
            require(bool((scales > 0).all()), f"scale is not positive near {row.tolist()}")
            monotone = (steps >= 0).all(dim=0) | (steps <= 0).all(dim=0)
            require(bool(monotone.all()), f"scale is not monotone in parameter {index} near {row.tolist()}")


def lists_every_distinct_output(corruption: Corruption) -> None:
    """In a dense scan of 10,000 parameters, each output has a representative at least as near to the identity."""
    transformation, radius = corruption.transformation, radius_of(corruption)
    assert isinstance(transformation, DiscreteTransformation)
    channels = channels_of(corruption)[0]
    thin = [shape for shape in every_shape_of(corruption) if min(shape[1:]) < 3]
    for shape in ((channels, 12, 12), (channels, 9, 14), (channels, 14, 9), *thin):
        count, size = (10_000 if shape[1:] == (12, 12) else 1_000), shape[1:]
        image = images_of(2, shape, seed=4)[1:]
        listed = transformation.representatives(region_of(corruption), *size)
        require(bool(region_of(corruption).contains(listed).all()), "representatives lie outside the region")
        known = _outputs(transformation, image, listed)
        for share in (1.0, 0.61, 0.17):
            _require_all(corruption, image, transformation.region(share * radius), listed, known, count)
        if region_of(corruption).cuttable:
            side = _side(region_of(corruption), transformation.space.identity)
            listed_there = transformation.representatives(side, *size)
            known_there = _outputs(transformation, image, listed_there)
            for share in (1.0, 0.61, 0.17):
                part = side.cut(share, transformation.space.identity)
                _require_all(corruption, image, part, listed_there, known_there, count)
        if transformation.space.dimension == 1:
            near = [] if transformation.space.integer else [listed.nextafter(0 * listed), listed.nextafter(2 * listed)]
            for value in torch.cat([listed, *near])[:, 0].tolist():
                region = Box(min(value, 0), max(value, 0))  # ends on a step, just before or just beyond it
                end = torch.tensor([[value]], dtype=torch.float64)
                _require_listed(transformation, image, end, known[region.contains(listed)])


def _side(region: Region, identity: tuple[float, ...]) -> Region:
    """A box in which no two parameters reach equally far: one side of ``region``, each farther than the one before."""
    shares = [(index + 1) / region.dimension for index in range(region.dimension)]
    ends = zip(identity, region.upper, shares, strict=True)
    return Box(identity, tuple(middle + share * (high - middle) for middle, high, share in ends))


def _require_all(
    corruption: Corruption, image: Tensor, region: Region, listed: Tensor, known: Tensor, count: int
) -> None:
    """Each output of a region has a representative in it, of those ``listed`` with the outputs ``known``."""
    transformation = corruption.transformation
    scan = transformation.space.snap(region.sample(count, generator()).double())
    scan = torch.cat([scan, ends_of(corruption, region), listed])
    _require_listed(transformation, image, scan[region.contains(scan)], known[region.contains(listed)])


def _require_listed(transformation: Transformation, image: Tensor, scan: Tensor, held: Tensor) -> None:
    for chunk in scan.split(1_000):
        outputs = _outputs(transformation, image, chunk)
        apart = torch.cdist(outputs, held, p=torch.inf).amin(dim=1) if len(held) else outputs.new_ones(len(chunk))
        where = chunk[int(apart.argmax())].tolist()
        require(largest(apart) < 1e-9, f"the output at {where} has no representative that is as near to the identity")


def gives_each_image_the_same_bits_in_any_batch(corruption: Corruption) -> None:
    """Float32 outputs are equal alone and in a batch, because an exact certificate is about these pixel values."""
    transformation = corruption.transformation
    for shape in every_shape_of(corruption):
        images, parameters = images_of(12, shape, torch.float32), parameters_of(corruption, 12)
        together = transformation.apply(images, parameters)
        alone = torch.cat([transformation.apply(images[i : i + 1], parameters[i : i + 1]) for i in range(12)])
        require(torch.equal(together, alone), f"the last bits of {shape} outputs depend on the batch")


def _outputs(transformation: Transformation, image: Tensor, parameters: Tensor) -> Tensor:
    return transformation.apply(image.expand(len(parameters), -1, -1, -1), parameters).flatten(1)


def encloses_its_outputs(corruption: Corruption) -> None:
    """Enclosures hold all images of a dense scan of their boxes: boxes of every width, also tiny ones at the ends.

    As for every law, the images are in [0, 1]: certificates are about such images, and noise comes after the map.
    """
    transformation = corruption.transformation
    assert isinstance(transformation, EnclosedTransformation)
    channels = channels_of(corruption)[-1]
    thin = [shape for shape in every_shape_of(corruption) if min(shape[1:]) < 3]
    telling = telling_boxes(region_of(corruption), transformation.space.identity)
    for shape in ((channels, 28, 28), (channels, 9, 10), *thin):
        boxes = zip(_boxes(corruption, 48), telling, strict=True)
        lower, upper = (transformation.space.snap(torch.cat([some, *4 * [others]])) for some, others in boxes)
        images = images_of(len(lower), shape, seed=6)
        shares = torch.rand(33, *lower.shape, generator=generator(7), dtype=torch.float64)
        shares[0], shares[1] = 0, 1
        outside = laws.enclosure_gap(transformation, images, lower, upper, shares)
        require(outside < 1e-9, f"a {shape} image leaves its enclosure by {outside:.2g}")


def encloses_less_in_smaller_boxes(corruption: Corruption) -> None:
    """Enclosures shrink with their boxes: in a box a thousand times narrower, at least a hundred times smaller."""
    transformation = corruption.transformation
    assert isinstance(transformation, EnclosedTransformation)
    images, (lower, upper) = (
        images_of(20, small_of(corruption, size=28)),
        _boxes(corruption, 20, widest=0.1, narrowest=0.1),
    )
    sizes = []
    for share in (1.0, 1e-3):
        low, high = transformation.enclose(images, lower, lower + share * (upper - lower))
        sizes.append((high - low).flatten(1).norm(dim=1))
    shrunk = float((sizes[1] / sizes[0].clamp_min(1e-9)).median())
    require(
        shrunk < 0.01, f"a box a thousand times narrower has an enclosure {1 / max(shrunk, 1e-9):.3g} times smaller"
    )


def _boxes(corruption: Corruption, count: int, widest: float = 1.0, narrowest: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Boxes within the default region's, of every width: lower and upper, float64 (count, dimension)."""
    region = region_of(corruption)
    low, high = torch.tensor([region.lower, region.upper], dtype=torch.float64)
    exponent = torch.linspace(0, 1, count, dtype=torch.float64)[:, None]
    width = (high - low) * widest * (narrowest / widest) ** exponent
    lower = low + torch.rand(count, len(low), generator=generator(8), dtype=torch.float64) * (high - low - width)
    space = corruption.transformation.space
    return space.snap(lower), space.snap(lower + width)


def _stepwise(corruption: Corruption) -> bool:
    return isinstance(corruption.transformation, DiscreteTransformation) or corruption.transformation.space.integer


def _proves_its_enclosure(corruption: Corruption) -> bool:
    transformation = corruption.transformation
    return isinstance(transformation, EnclosedTransformation) and not isinstance(transformation, SampledTransformation)


LAWS = (
    *make(
        everyone,
        keeps_shape_type_and_device,
        uses_each_images_own_parameters,
        draws_no_random_numbers,
        leaves_its_input_untouched,
        is_as_exact_in_float32,
    ),
    *make(
        lambda corruption: corruption.transformation.space.unchanged_at_identity, gives_back_the_image_at_the_identity
    ),
    *make(lambda corruption: not _stepwise(corruption), has_a_right_gradient, is_continuous),
    *make(lambda corruption: isinstance(corruption.transformation, ResolvableTransformation), composes),
    *make(lambda corruption: isinstance(corruption.transformation, ScaledTransformation), scales_as_promised),
    *make(
        lambda corruption: isinstance(corruption.transformation, DiscreteTransformation),
        lists_every_distinct_output,
        gives_each_image_the_same_bits_in_any_batch,
    ),
    *make(_proves_its_enclosure, encloses_its_outputs),
    *make(
        lambda corruption: isinstance(corruption.transformation, EnclosedTransformation),
        encloses_less_in_smaller_boxes,
    ),
)
"""The laws of this file."""
