"""The result of the corruption benchmark: accuracy by corruption and severity."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from gsmooth_core.common.console import new_console
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.validators import whole
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.wording import counted

FORMAT = "gsmooth corruption table 1"


@attrs.frozen
class CorruptionScore:
    """Of ``count`` images, the number of right answers and the number of abstentions (which count as wrong)."""

    correct: int = attrs.field(validator=whole())
    abstained: int = attrs.field(validator=whole())
    count: int = attrs.field(validator=whole(1))

    def __attrs_post_init__(self) -> None:
        if self.correct + self.abstained > self.count:
            raise ValueError(
                f"of {counted(self.count, 'image')}, {self.correct} right and {self.abstained} abstentions are too many"
            )

    @property
    def accuracy(self) -> Rate:
        """The share of images that were answered rightly."""
        return Rate.of(self.correct, self.count)


@attrs.frozen
class CorruptionRun:
    """Everything that decides a table's scores, so that it can be reproduced or resumed.

    ``classifier`` says in words what was measured; ``model_hash`` and ``smoothing`` are as in :class:`Run`.
    ``data_hash`` covers the images and labels, and the corrupted images if these are published files. ``source`` says
    in words where the corrupted images come from, and ``constants`` which constants they were made with. ``seed`` is
    that of the angles of motion blur and of the noise. ``samples``: votes per answer, ``None`` for a plain model.
    """

    classifier: str
    model_hash: str
    smoothing: str
    data_hash: str
    source: str
    constants: str
    severities: tuple[int, ...]
    samples: int | None = attrs.field(validator=optional(whole(1)))
    seed: int = attrs.field(validator=whole())
    device: str
    versions: dict[str, str]


@attrs.frozen
class CorruptionTable:
    """A classifier's accuracy on unchanged images and under corruptions: a :class:`CorruptionScore` per severity.

    After a call that was stopped, the table has the corruptions that were finished.
    """

    run: CorruptionRun
    clean: CorruptionScore
    scores: Mapping[str, tuple[CorruptionScore, ...]]

    def __attrs_post_init__(self) -> None:
        for name, row in self.scores.items():
            if len(row) != len(self.run.severities) or {score.count for score in row} != {self.clean.count}:
                raise ValueError(
                    f"{name} needs a score for each of the severities {self.run.severities}, each of "
                    f"{counted(self.clean.count, 'image')}, not {row}"
                )

    @property
    def clean_accuracy(self) -> Rate:
        """The share of unchanged images that are answered rightly."""
        return self.clean.accuracy

    def score(self, corruption: str, severity: int) -> CorruptionScore:
        """The score of a corruption at a severity; ``ValueError`` if it was not measured."""
        if corruption not in self.scores or severity not in self.run.severities:
            raise ValueError(
                f"the table has no severity {severity} of {corruption!r}; it has {', '.join(self.scores)} at "
                f"{', '.join(map(str, self.run.severities))}"
            )
        return self.scores[corruption][self.run.severities.index(severity)]

    def accuracy(self, corruption: str, severity: int) -> Rate:
        """The share of images that are answered rightly under a corruption."""
        return self.score(corruption, severity).accuracy

    def mean_accuracy(self, corruption: str) -> float:
        """The mean over the severities."""
        self.score(corruption, self.run.severities[0])
        return statistics.mean(score.correct / score.count for score in self.scores[corruption])

    def mean_corruption_error(self, baseline: CorruptionTable | None = None) -> float:
        """The mean over the corruptions of the error, each the mean over its severities.

        With a ``baseline``, each corruption's error is first divided by the baseline's (mCE, Hendrycks & Dietterich
        2019, whose baseline is AlexNet). ``ValueError`` if the baseline has other corruptions, severities or
        constants, or makes no error.
        """
        errors = {name: 1 - self.mean_accuracy(name) for name in self.scores}
        if baseline is None:
            return statistics.mean(errors.values())
        here, there = (
            (sorted(table.scores), sorted(table.run.severities), table.run.constants) for table in (self, baseline)
        )
        if here != there:
            raise ValueError(
                f"the baseline is about {there}, not {here}; measure it with the same corruptions, severities and "
                "constants"
            )
        scales = {name: 1 - baseline.mean_accuracy(name) for name in errors}
        if faultless := [name for name, scale in scales.items() if scale == 0]:
            raise ValueError(f"the baseline makes no error under {', '.join(faultless)}; take a weaker one")
        return statistics.mean(errors[name] / scales[name] for name in errors)

    @property
    def notes(self) -> list[str]:
        """What a reader must know beside the shares."""
        every = [self.clean, *(score for row in self.scores.values() for score in row)]
        reach = max(max(rate.high - rate.value, rate.value - rate.low) for rate in (score.accuracy for score in every))
        notes = [
            f"{self.run.classifier}, {counted(self.clean.count, 'image')}; {self.run.source}.",
            f"No corruption: {self.clean_accuracy}. Mean corruption error: {100 * self.mean_corruption_error():.1f} %.",
            f"95 % intervals reach at most {100 * reach:.1f} points from a share.",
        ]
        if self.run.samples is not None:
            silent = 100 * self.clean.abstained / self.clean.count
            notes.append(
                f"Answers are by {counted(self.run.samples, 'vote')}; abstentions, {silent:.1f} % of the unchanged, "
                "count as wrong."
            )
        return notes

    def summary(self, console: Console | None = None) -> None:
        """Print the table and the notes, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heading, *rows = self._rows()
        table = Table(title="accuracy by severity (%)")
        for number, name in enumerate(heading):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        yield Group(table, *(Text(note, style="italic") for note in self.notes))

    def to_markdown(self) -> str:
        """The table and the notes in Markdown, for a page of results."""
        heading, *rows = self._rows()
        lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([table, *self.notes]) + "\n"

    def _rows(self) -> list[list[str]]:
        """The heading, and a row per corruption with shares in per cent."""
        smoothed = self.run.samples is not None
        rows = [["corruption", *map(str, self.run.severities), "mean", *["abstained"] * smoothed]]
        for name, scores in self.scores.items():
            shares = [score.correct / score.count for score in scores]
            shares.append(self.mean_accuracy(name))
            if smoothed:
                shares.append(statistics.mean(score.abstained / score.count for score in scores))
            rows.append([name, *(f"{100 * share:.1f}" for share in shares)])
        return rows

    def save(self, path: str | Path) -> None:
        """Write the table as JSON, in one step."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> CorruptionTable:
        """The table that :meth:`save` wrote; ``ValueError`` for any other file, and for one that was edited."""
        return load_record(path, CorruptionTable, FORMAT, "corruption table")
