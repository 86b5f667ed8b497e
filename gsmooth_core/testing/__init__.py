"""The conformance kit: a plugin's whole test file is ``test_conformance = conformance("zoomblur")``.

Each law of the framework becomes one test for each variant of the plugin that the law concerns. The kit needs pytest
(``pip install "gsmooth-core[testing]"``).
"""

from gsmooth_core.testing.certificates import binomial_answer, drive
from gsmooth_core.testing.conformance import LAWS, conformance, laws_of
from gsmooth_core.testing.law import Law

__all__ = ["LAWS", "Law", "binomial_answer", "conformance", "drive", "laws_of"]
