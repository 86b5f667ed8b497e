"""Attacks: what an adversary achieves, and whether certificates survive it."""

from __future__ import annotations

from gsmooth_core.attacks.campaign import AttackBudget, attack
from gsmooth_core.attacks.report import Attacked, AttackReport
from gsmooth_core.attacks.verification import Broken, Verification, verify

__all__ = ["AttackBudget", "AttackReport", "Attacked", "Broken", "Verification", "attack", "verify"]
