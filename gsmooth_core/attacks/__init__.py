"""Attacks: what an adversary achieves, and whether certificates survive it."""

from __future__ import annotations

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.attacks.campaign import attack
from gsmooth_core.attacks.report import Attacked, AttackReport, AttackRun
from gsmooth_core.attacks.verification import Verification, Verified, verify

__all__ = [
    "AttackBudget",
    "AttackReport",
    "AttackRun",
    "Attacked",
    "Verification",
    "Verified",
    "attack",
    "verify",
]
