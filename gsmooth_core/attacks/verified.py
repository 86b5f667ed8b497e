"""Certificates that were attacked: which held, and which broke."""

from __future__ import annotations

from pathlib import Path

import attrs
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from gsmooth_core.attacks.report import AttackRun
from gsmooth_core.common.console import new_console
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.validators import points, whole
from gsmooth_core.results.agreement import check_distinct, check_part
from gsmooth_core.results.wording import counted
from gsmooth_core.transformations.region import holds_all
from gsmooth_core.transformations.regions import Region

FORMAT = "gsmooth verification 2"

SHOWN = 20
"""Broken certificates in a summary."""


@attrs.frozen
class Verified:
    """A certificate that was attacked.

    ``predicted`` is the class that is certified in ``region``, and ``answer`` the classifier's at ``parameter``, the
    worst one found there (``None``: it abstains); ``calls`` is the number of model calls in the search. The noise of
    the attack is keyed by the run's seed and the index.
    """

    index: int = attrs.field(validator=whole())
    predicted: int = attrs.field(validator=whole())
    answer: int | None = attrs.field(validator=optional(whole()))
    parameter: tuple[float, ...] = attrs.field(validator=points())
    region: Region
    calls: int = attrs.field(validator=whole())
    image_hash: str

    def __attrs_post_init__(self) -> None:
        if not holds_all(self.region, [self.parameter]):
            raise ValueError(
                f"the certificate of image {self.index} was attacked at {self.parameter}, outside its region"
            )

    @property
    def broken(self) -> bool:
        """Whether another class is answered."""
        return self.answer not in (None, self.predicted)


@attrs.frozen
class Verification:
    """The certificates of a report that were attacked, each in the region that it proves.

    ``run`` is the attack; its ``region`` is the one that the report was asked for.
    """

    run: AttackRun
    certificates: tuple[Verified, ...]

    def __attrs_post_init__(self) -> None:
        check_distinct(one.index for one in self.certificates)
        for one in self.certificates:
            check_part(self.run.region, one.index, one.region)

    @property
    def broken(self) -> tuple[Verified, ...]:
        """The certificates that an attack broke."""
        return tuple(one for one in self.certificates if one.broken)

    @property
    def holds(self) -> bool:
        """Whether nothing broke."""
        return not self.broken

    def summary(self, console: Console | None = None) -> None:
        """Print what was tried and what broke, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        broken, calls = self.broken, sum(one.calls for one in self.certificates)
        yield (
            f"{self.run.corruption}: {counted(len(self.certificates), 'certificate')} attacked, {len(broken):,} "
            f"broken; {counted(calls, 'call')} of the model"
        )
        if broken:
            table = Table("image", "certified class", "answer", f"at ({', '.join(self.run.units)})", "seed")
            for one in broken[:SHOWN]:
                where = ", ".join(f"{value:.6g}" for value in one.parameter)
                table.add_row(str(one.index), str(one.predicted), str(one.answer), where, str(self.run.seed))
            yield table
            if len(broken) > SHOWN:
                yield f"and {len(broken) - SHOWN:,} more"

    def save(self, path: str | Path) -> None:
        """Write the verification as JSON, in one step."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> Verification:
        """The verification that :meth:`save` wrote; ``ValueError`` for anything else, and for one that was edited."""
        return load_record(path, Verification, FORMAT, "verification")
