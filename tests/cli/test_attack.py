"""``gsmooth attack`` and ``gsmooth verify``."""

import pytest
from helpers import forged

from gsmooth_core import AttackReport, Report
from gsmooth_core.cli.app import main


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


def test_an_attack_leaves_a_report_and_pictures(tmp_path, capsys):
    out, pictures = tmp_path / "attack.json", tmp_path / "worst.png"
    given = ["attack", "rotation", "--limit", "8", "--calls", "40", "--out", str(out), "--pictures", str(pictures)]
    assert run(*given) == 0
    report = AttackReport.load(out)
    assert len(report.images) == 8
    assert report.accuracy.value < report.clean_accuracy.value
    assert pictures.stat().st_size > 0
    shown = capsys.readouterr().out
    assert "right at the worst found" in shown
    assert str(out) in shown.replace("\n", "")


def test_the_smoothed_classifier_is_attacked(tmp_path, capsys):
    out = tmp_path / "attack.json"
    given = ["attack", "gaussianblur", "--smoothed", "--limit", "2", "--calls", "200", "--confirm", "200"]
    assert run(*given, "--out", str(out)) == 0
    assert "under ParameterSmoothing" in AttackReport.load(out).run.classifier
    assert run("attack", "rotation", "--latent-std", "0.1") == 2
    assert "are for --smoothed" in capsys.readouterr().err


def test_a_report_is_verified_and_a_forged_one_exits_with_3(tmp_path, capsys):
    path = tmp_path / "report.json"
    assert run("certify", "defocus:discrete", "--limit", "4", "--out", str(path)) == 0
    out = tmp_path / "verification.json"
    for command in (["verify", str(path), "--out", str(out)], ["show", str(out)]):
        assert run(*command) == 0
        assert "defocus:discrete: 3 certificates attacked, 0 broken" in capsys.readouterr().out
    forged(Report.load(path), 16.0).save(path)
    assert run("verify", str(path), "--out", str(out)) == 2  # it holds the honest one's
    assert "cannot be continued: the runs differ: region" in " ".join(capsys.readouterr().err.split())
    assert run("verify", str(path)) == 3
    assert "certified class" in capsys.readouterr().out
    assert run("verify", str(path), "--latent-std", "0.5") == 2
    assert run("verify", str(tmp_path / "none.json")) == 2


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, capsys):
    for option, value, message in (
        ("--out", tmp_path / "no" / "a.json", "there is no folder"),
        ("--pictures", tmp_path / "a.xyz", "a picture ends in .png, .jpg"),
    ):
        assert run("attack", "rotation", "--limit", "1", option, str(value)) == 2
        assert message in capsys.readouterr().err
    pictures = tmp_path / "none.png"
    assert run("attack", "rotation", "--limit", "1", "--radius", "0", "--calls", "8", "--pictures", str(pictures)) == 0
    assert "no image was misclassified" in capsys.readouterr().out
    assert not pictures.exists()
