"""The sentence that a certificate proves."""

from __future__ import annotations

from gsmooth_core.certifier import Finding, Problem
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.results.run import Run
from gsmooth_core.results.wording import error_probability_words, spans
from gsmooth_core.smoothing.base import NoSmoothing


def claim(finding: Finding, problem: Problem, run: Run, basis: str) -> str:
    """The sentence that a finding proves; ``basis`` names the theorem (``Certifier.basis``)."""
    reason = f"; {finding.reason}" if finding.reason else ""
    if finding.predicted is None:
        return f"The smoothed classifier abstains, and nothing is proved{reason}."
    verb = "Estimated, not proved," if finding.guarantee is Guarantee.ESTIMATE else "Proved"
    error = (
        ""
        if finding.guarantee is Guarantee.EXACT
        else f", with {error_probability_words(finding.guarantee, run.budget.alpha)}"
    )
    subject = "model" if isinstance(problem.smoothing, NoSmoothing) else "smoothed classifier"
    if finding.witness is not None and finding.proved is None:
        return f"Refuted by {basis}: the {subject} answers class {finding.predicted} on the unchanged image{reason}."
    sure = f"{verb} by {basis}{error}: the {subject} answers class "
    if finding.proved is None:
        return f"{sure}{finding.predicted} on the unchanged image; nothing is proved about {run.corruption}{reason}."
    whole = "whole " * problem.transformation.space.integer
    region = " and ".join(whole + words for words in spans(finding.proved, run.names, run.units))
    inner = f" in the {finding.proved.words}" if finding.proved.words else ""
    return f"{sure}{finding.predicted} under every {run.corruption} of {region}{inner}{reason}."
