"""Bounds that several transformations share: of bilinear warps, and of means over growing sets.

All are first order: their width is proportional to that of the box of parameters. All compute in float64, and
enclosures are returned in the images' type.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

AT_ONCE = 2**21
"""Slopes of batches with more values than that are bounded channel by channel."""

Interval = tuple[Tensor, Tensor]
"""Lower and upper ends of the same shape."""


def bound_rotation_slope(images: Tensor, lower: Tensor, upper: Tensor) -> Interval:
    """Bounds of ``∂τ/∂θ`` per degree, for images turned about their centre by θ in ``[lower, upper]`` (batch, 1).

    Proof. Turned anticlockwise by θ, the pixel at the offset (y, x) from the centre, y down, is read at
    ``q(θ) = (x sin θ + y cos θ, x cos θ − y sin θ)``, and q′ is q turned by a right angle; both have the length ρ of
    the offset. So within the half width h (radians) of the middle, q and q′ stay within ρh of their middle values.
    """
    rows, columns = _offsets(images)
    middle, half = (torch.deg2rad(part.double()).view(-1, 1, 1) for part in ((lower + upper) / 2, (upper - lower) / 2))
    row = columns * middle.sin() + rows * middle.cos()
    column = columns * middle.cos() - rows * middle.sin()
    place, motion = torch.stack([row, column], dim=1), torch.stack([column, -row], dim=1)
    reach = (torch.hypot(rows, columns) * half)[:, None]
    low, high = _warp_slope(images, (place - reach, place + reach), (motion - reach, motion + reach))
    return torch.deg2rad(low), torch.deg2rad(high)


def bound_scaling_slope(images: Tensor, lower: Tensor, upper: Tensor) -> Interval:
    """Bounds of ``∂τ/∂f``, for images enlarged about their centre by factors f in ``[lower, upper]`` (batch, 1), f > 0.

    Proof. The pixel at the offset o from the centre is read at ``q(f) = o/f``, with ``q′(f) = −o/f²``. Both are
    monotone in f, so they lie between their values at the ends.
    """
    offset = torch.stack(_offsets(images))
    first, last = (end.double().view(-1, 1, 1, 1) for end in (lower, upper))
    places, motions = (offset / first, offset / last), (-offset / first.square(), -offset / last.square())
    return _warp_slope(images, _ordered(*places), _ordered(*motions))


def bound_mean_slope(slope: Callable[[float], Interval], nodes: int) -> Interval:
    """Bounds of ``∂τ/∂ξ`` for the mean over warps by 0, ξ/n, 2ξ/n, …, ξ, n = ``nodes``.

    ``slope(share)`` bounds the derivative of the warp by its own parameter, share · ξ. Proof. By the chain rule a
    node's slope is multiplied by its share; the node 0 does not move. Signs are kept until all slopes are added up.
    """
    low, high = torch.zeros(()), torch.zeros(())
    for share in (node / nodes for node in range(1, nodes + 1)):  # one after the other, as large images fill the memory
        ends = slope(share)
        low, high = low + share / (nodes + 1) * ends[0], high + share / (nodes + 1) * ends[1]
    return low, high


def enclose_by_slope(images: Tensor, centre: Tensor, slope: Interval, half: Tensor) -> Interval:
    """Per-pixel bounds of τ within ``half`` (batch, 1) of the box's middle, where it is ``centre``.

    ``slope`` bounds the derivative over the box. Proof. τ is continuous and piecewise smooth, so by the mean value
    theorem no pixel moves by more than the largest |slope| times half. And a mean of bilinear interpolations of the
    image, and of black beyond it, lies between the least and the largest of its values and 0.
    """
    reach = torch.maximum(-slope[0], slope[1]).clamp_min(0) * half.double().view(-1, 1, 1, 1)
    reach = reach.nan_to_num(nan=0.0, posinf=math.inf)  # for 0 · inf: an unknown slope on a box of width 0
    least = images.amin(dim=(2, 3), keepdim=True).clamp_max(0)
    largest = images.amax(dim=(2, 3), keepdim=True).clamp_min(0)
    low, high = torch.maximum(centre - reach, least), torch.minimum(centre + reach, largest)
    return low.to(images.dtype), high.to(images.dtype)


def enclose_growing_mean(
    images: Tensor,
    lower: Tensor,
    upper: Tensor,
    measure: Callable[[Tensor], tuple[Tensor, Tensor]],
    integrate: Callable[[Tensor, Tensor], Tensor],
) -> Interval:
    """Per-pixel bounds of ``τ(r) = (∫_{D(r)} x)/m(r)`` over sets D(r) that grow with r and have the measure m(r).

    ``measure`` gives the weights of the pixels in D(r), of one size for all r, and m(r) (batch, 1, 1, 1), for r (batch,
    1) from ``lower`` to ``upper``; ``integrate`` gives the integral of images over weights around each pixel.

    Proof. Let c be the middle and ``t = τ(c)``. For r ≥ c the ring D(r) − D(c) lies in R = D(upper) − D(c), so

        τ(r) − t = ∫_{D(r)−D(c)} (x − t) / m(r),  hence  −N/m(c) ≤ τ(r) − t ≤ P/m(c),

    where P and N are the integrals over R of the positive and the negative part of x − t. For r ≤ c, with the ring
    D(c) − D(lower), ``τ(r) − t = −∫_{D(c)−D(r)} (x − t)/m(r)`` lies between ``−P/m(lower)`` and ``N/m(lower)``.
    Finally ``P − N = ∫_R (x − t)``, and ``P + N = ∫_R |x − t| ≤ √(|R| ∫_R (x − t)²)`` by Cauchy and Schwarz, so both
    follow from the integrals of x and x². The bounds hold for any image, and vanish with the rings' measures.
    """
    (inner, inner_mass), (weights, mass), (outer, outer_mass) = map(measure, (lower, (lower + upper) / 2, upper))
    moments = torch.cat([images.double(), images.double().square()], dim=1)
    mean = integrate(images.double(), weights) / mass

    def parts(ring: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """The integrals over a ring of the positive and the negative part of x − mean, from above."""
        first, second = integrate(moments, ring).chunk(2, dim=1)
        signed = first - size * mean
        absolute = (size * (second - 2 * mean * first + size * mean.square())).clamp_min(0).sqrt()
        return (absolute + signed) / 2, (absolute - signed) / 2

    outside, inside = parts(outer - weights, outer_mass - mass), parts(weights - inner, mass - inner_mass)
    low = mean - torch.maximum(outside[1] / mass, inside[0] / inner_mass)
    high = mean + torch.maximum(outside[0] / mass, inside[1] / inner_mass)
    return low.to(images.dtype), high.to(images.dtype)


def _warp_slope(images: Tensor, place: Interval, motion: Interval) -> Interval:
    """Bounds of the derivative of images that are read at moving places: two of (batch, channel, height, width).

    ``place`` and ``motion`` bound where each pixel is read, in px from the centre, and how fast that moves: (batch, 2,
    height, width), rows and columns.

    Proof. Between pixel centres the image (black beyond its border) is bilinear, so its derivative by the row lies
    between the differences along the cell's two vertical edges, and so by the column. While both ends of ``place`` lie
    in the same or in neighbouring cells, the pixel is read in one of at most 2 × 2 cells; the derivative is
    ``∂x/∂row · row′ + ∂x/∂column · column′``, a sum of two products of intervals. If the ends lie farther apart nothing
    is known: ±∞.
    """
    batch, channels, height, width = images.shape
    if channels > 1 and images.numel() > AT_ONCE:  # one channel after the other, as large images fill the memory
        ends = zip(*(_warp_slope(images[:, [one]], place, motion) for one in range(channels)), strict=True)
        low, high = (torch.cat(parts, dim=1) for parts in ends)
        return low, high
    padded = torch.nn.functional.pad(images.double(), (2, 2, 2, 2))
    down, right = padded.diff(dim=2), padded.diff(dim=3)
    edges = (*_ordered(down[..., :-1], down[..., 1:]), *_ordered(right[:, :, :-1], right[:, :, 1:]))
    cells = torch.stack(edges, dim=1).flatten(3)  # (batch, 4, channel, (height + 3)·(width + 3))
    size = torch.tensor([height, width], device=images.device).view(2, 1, 1)

    def cell(offset: Tensor) -> Tensor:  # beyond the border every cell is black, like the outermost of these
        return (torch.floor(offset + (size - 1) / 2) + 2).clamp(0 * size, size + 2).long()

    first, last = cell(place[0]), cell(place[1])
    low, high = torch.full((), math.inf), torch.full((), -math.inf)
    for rows in (first[:, 0], last[:, 0]):
        for columns in (first[:, 1], last[:, 1]):
            index = (rows * (width + 3) + columns).flatten(1)[:, None, None].expand(-1, 4, channels, -1)
            visited = cells.gather(3, index).view(batch, 4, channels, height, width)
            low, high = torch.minimum(visited, low.to(visited)), torch.maximum(visited, high.to(visited))
    by_row = _product((low[:, 0], high[:, 1]), (motion[0][:, :1], motion[1][:, :1]))
    by_column = _product((low[:, 2], high[:, 3]), (motion[0][:, 1:], motion[1][:, 1:]))
    far = ((last - first) > 1).any(dim=1, keepdim=True)
    return (
        torch.where(far, -math.inf, by_row[0] + by_column[0]),
        torch.where(far, math.inf, by_row[1] + by_column[1]),
    )


def _offsets(images: Tensor) -> tuple[Tensor, Tensor]:
    """The row and the column of each pixel, in px from the centre: float64 (height, width) each."""
    rows, columns = (
        torch.arange(size, dtype=torch.float64, device=images.device) - (size - 1) / 2 for size in images.shape[-2:]
    )
    grid = torch.meshgrid(rows, columns, indexing="ij")
    return grid[0], grid[1]


def _ordered(first: Tensor, second: Tensor) -> Interval:
    """The interval between two ends in any order."""
    return torch.minimum(first, second), torch.maximum(first, second)


def _product(first: Interval, second: Interval) -> Interval:
    """All products of numbers from two intervals."""
    ends = torch.stack([one * other for one in first for other in second])
    return ends.amin(dim=0), ends.amax(dim=0)
