"""Ways to look for the worst parameter of a region, and a search by one of them or by all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import Bounds, differential_evolution
from scipy.stats import qmc
from torch import Tensor

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.attacks.search import Search
from gsmooth_core.common.notices import notify
from gsmooth_core.common.seeds import generator_of
from gsmooth_core.corruption import Corruption
from gsmooth_core.transformations.discrete import DiscreteTransformation
from gsmooth_core.transformations.regions import Region

if TYPE_CHECKING:
    from gsmooth_core.classifiers.target import Target

ALL = "all"
"""The name of all methods together, each with an equal share of the calls."""
GRADIENT_FREE = "gradient-free"
"""The name of all methods that need no gradients of the model, together."""
STARTS, STEPS = 4, 10
"""For the gradient ascent: how many points move at the same time, and the largest number of steps."""
FIRST_STEP, SHRINK = 0.5, 0.7
"""The first step, as a share of half the region, and the factor from each step to the next."""


def grid(search: Search) -> None:
    """An even grid, as dense as the calls allow; both ends of every parameter are in it."""
    points = max(2, math.floor(search.points ** (1 / search.region.dimension)))
    search.look(search.region.grid(search.region.grid_points(points)))


def random(search: Search) -> None:
    """Scrambled Sobol points (Owen 1998)."""
    seed = int(torch.randint(2**31, (), generator=search.generator, device=search.generator.device))
    count = search.points
    unit = qmc.Sobol(search.region.dimension, rng=np.random.default_rng(seed)).random_base2(
        max(1, math.ceil(math.log2(max(2, 2 * count))))
    )
    low, high = np.array(search.region.lower), np.array(search.region.upper)
    points = torch.from_numpy(low + unit * (high - low))
    search.look(points[search.region.contains(points)][:count])


def pgd(search: Search) -> None:
    """Projected ascent of the loss by the sign of its gradient, from the worst of some random starts.

    The gradient goes through the real transformation, and through the noise by a mean over draws (expectation over
    transformation, Athalye et al. 2018); steps shrink. If there is no gradient, as for whole-number parameters, the
    points do not move, and random points get the rest of the calls.
    """
    if not search.transformation.space.integer:
        steps = min(STEPS, search.points // (2 * STARTS))
        low, high = (
            torch.tensor(end, dtype=torch.float32, device=search.image.device)
            for end in (search.region.lower, search.region.upper)
        )
        half = (high - low) / 2
        starts = search.region.sample(max(STARTS, search.points - 2 * STARTS * steps), search.generator)
        search.look(starts)
        at, _ = search.worst(STARTS)
        for step in range(steps):
            slope = gradient(search, at)
            search.used += len(at) * search.target.draws
            if not bool(slope.any()):
                break
            at = search.inside(at - slope.sign() * half * FIRST_STEP * SHRINK**step)
            search.look(at)
    if search.points > 0:
        random(search)


def gradient(search: Search, parameters: Tensor) -> Tensor:
    """The gradient of the smooth margin in the parameters (count, dimension)."""
    with torch.enable_grad():
        at = parameters.detach().clone().requires_grad_()
        margins = search.target.soft_margins(search.transformed(at), search.class_, search.generator)
        if not margins.requires_grad:
            return torch.zeros_like(parameters)
        [slope] = torch.autograd.grad(margins.sum(), at, allow_unused=True)
    return torch.zeros_like(parameters) if slope is None else slope.nan_to_num()


def evolution(search: Search) -> None:
    """Differential evolution (Storn & Price 1997), a generation at a time."""
    dimension, size = search.region.dimension, max(5, min(15 * search.region.dimension, search.points // 4))
    if search.points < 2 * size or search.region.lower == search.region.upper:
        return random(search)
    seed = int(torch.randint(2**31, (), generator=search.generator, device=search.generator.device))

    def values(points: Any) -> Any:
        found = np.full(points.shape[1], np.inf)
        parameters = torch.from_numpy(np.ascontiguousarray(points.T))
        kept = [index for index, one in enumerate(parameters) if len(search.inside(one[None].float())) == 1]
        margins = search.look(parameters[kept])
        found[kept[: len(margins)]] = margins.cpu().numpy()
        return found

    differential_evolution(
        values,
        Bounds(list(search.region.lower), list(search.region.upper)),
        popsize=max(1, size // dimension),
        maxiter=max(1, search.points // size - 1),
        tol=0,
        atol=-1,  # go on even if all points have the same value, such as a vote share of 1
        polish=False,
        vectorized=True,
        updating="deferred",
        rng=np.random.default_rng(seed),
    )
    return random(search) if search.points > 0 else None


METHODS: dict[str, Callable[[Search], None]] = {"grid": grid, "random": random, "pgd": pgd, "evolution": evolution}
TOGETHER = {ALL: list(METHODS), GRADIENT_FREE: [name for name in METHODS if name != "pgd"]}
"""Names of several methods, each with an equal share of the calls."""


def check_settings(method: object, budget: object) -> None:
    """Raise ``ValueError`` for an unknown method, and for a budget that is not an ``AttackBudget``."""
    if method not in METHODS and method not in TOGETHER:
        raise ValueError(f"there is no attack {method!r}; use {', '.join(sorted(METHODS))}, {GRADIENT_FREE} or {ALL}")
    if not isinstance(budget, AttackBudget):
        raise ValueError(f"budget must be an AttackBudget, not {budget!r}; pass AttackBudget(calls=1_000)")


def usable_method(method: str, recipe: Corruption, target: Target, image: Tensor) -> str:
    """The method, or in place of all methods, with a ``UserWarning``, those that do without the model's gradients.

    ``ValueError`` if the gradient ascent alone was asked for, and the logits have no gradients at an image (channel,
    height, width): a program of another library, an array inside, ``no_grad`` or ``detach``.
    """
    needless = isinstance(recipe.transformation, DiscreteTransformation) or recipe.transformation.space.integer
    if method not in (ALL, "pgd") or needless or target.has_gradients(image):
        return method
    if method == "pgd":
        raise ValueError(
            f"the method 'pgd' needs gradients, and the model's logits have none; use {GRADIENT_FREE!r}, which is all "
            "other methods, or pass the model as a torch module"
        )
    notify(
        f"the model's logits have no gradients, so the attack is {GRADIENT_FREE!r}: all methods but 'pgd' (gradient "
        "ascent), which may find less; pass the model as a torch module if there is one"
    )
    return GRADIENT_FREE


def search_for(
    recipe: Corruption,
    target: Target,
    image: Tensor,
    class_: int,
    region: Region,
    method: str,
    budget: AttackBudget,
    key: tuple[int, ...],
) -> Search:
    """A finished search against a class, on an image (channel, height, width) on the target's device.

    The unchanged image is evaluated first, so at least one point is evaluated.
    """
    generator = generator_of(key[0], ("attack", *key[1:]), image.device)
    search = Search(image, class_, region, recipe.transformation, target, budget.calls, generator)
    search.calls = max(search.calls, target.draws)
    search.look_exactly(torch.tensor([recipe.transformation.space.identity], dtype=torch.float64))
    if isinstance(recipe.transformation, DiscreteTransformation):
        every = recipe.transformation.representatives(region, *image.shape[-2:])
        search.calls = search.used + len(every) * target.draws
        search.look_exactly(every)
        return search
    names = TOGETHER.get(method, [method])
    for number, name in enumerate(names, start=1):
        search.calls = budget.calls * number // len(names)
        METHODS[name](search)
    return search


def settle(search: Search, finalists: int) -> tuple[tuple[float, ...], float, int | None]:
    """The worst parameter found, its margin, and the classifier's answer there.

    The result is the first finalist at which the classifier answers another class; if there is none, the first at
    which it abstains; otherwise the one with the smallest margin.
    """
    parameters, margins = search.worst(finalists)
    with torch.no_grad():
        answers = search.target.answers(search.transformed(parameters), search.generator)
    wrong = [place for place, answer in enumerate(answers) if answer not in (None, search.class_)]
    silent = [place for place, answer in enumerate(answers) if answer is None]
    place = (wrong + silent + [0])[0]
    return tuple(parameters[place].tolist()), float(margins[place]), answers[place]
