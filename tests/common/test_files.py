"""Two calls that write one file: the second is refused, and the first loses nothing."""

import os
import signal
import subprocess
import sys
import time
from errno import ENOLCK, ENOSYS
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from helpers import QUICK

from gsmooth_core import AttackBudget, Report, attack, certify, measure_corruption_accuracy, save_page, smooth, verify
from gsmooth_core.cli.app import main
from gsmooth_core.common import resuming
from gsmooth_core.common.files import check_writable, locked, write_text

REFUSED = "is being written by another process or thread; wait for it, or name another file"
HOLD = """
import sys, time
from gsmooth_core.common.files import locked
with locked(sys.argv[1]):
    print(flush=True)
    time.sleep(600)
"""


def lock_of(path):
    return path.with_name(f".{path.name}.lock")


@pytest.fixture
def holder(tmp_path):
    """Another process that has locked ``out.json``."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out.json")], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def calls(example_model, test_images, test_labels):
    """Everything that keeps its work in a file."""
    images, labels = test_images[:2], test_labels[:2]
    report = certify(example_model, "gaussianblur", images, labels, budget=QUICK)
    budget = AttackBudget(calls=40, confirm=100)
    return {
        "certify": partial(certify, example_model, "gaussianblur", images, labels, budget=QUICK),
        "attack": partial(attack, smooth(example_model, "gaussianblur"), "gaussianblur", images, labels, budget=budget),
        "verify": partial(verify, report, example_model, images, budget=budget),
        "corrupt": partial(measure_corruption_accuracy, example_model, images, labels, severities=[1]),
    }


@pytest.mark.parametrize("name", ["certify", "attack", "verify", "corrupt"])
def test_a_file_that_another_process_writes_is_refused(holder, calls, name, tmp_path, monkeypatch):
    """By whatever path it is named, before any work, and no longer than the process lives."""
    out, call = tmp_path / "out.json", calls[name]
    (tmp_path / "link.json").symlink_to("out.json")
    (tmp_path / "folder").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path in (out, str(out), "out.json", "./out.json", "folder/out.json", tmp_path / "link.json"):
        with pytest.raises(ValueError, match=REFUSED):
            call(out=path)
    assert not out.exists()
    call(out=tmp_path / "another.json")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lock_of(out).exists()  # left over, and locked by nobody
    call(out=out)
    assert out.exists()
    assert not list(tmp_path.glob(".*"))


def test_the_second_of_two_commands_is_refused_and_the_first_loses_nothing(tmp_path, capsys):
    out = tmp_path / "report.json"
    given = ["certify", "gaussianblur", "--limit", "20", "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen([sys.executable, "-m", "gsmooth_core", *given], stdout=subprocess.DEVNULL, env=environment)
    while not out.exists():
        time.sleep(0.02)
        assert first.poll() is None
    with pytest.raises(SystemExit) as stop:
        main([*given, "--seed", "1"])
    assert stop.value.code == 2
    assert REFUSED in " ".join(capsys.readouterr().err.split())
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = Report.load(out)
    assert 1 <= len(kept.certificates) < 20
    with pytest.raises(SystemExit) as stop:
        main(given)
    assert stop.value.code == 0
    assert set(kept.certificates) <= set(Report.load(out).certificates)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_threads_and_calls_within_calls_are_refused_too(calls, example_model, test_images, tmp_path):
    out, refused = tmp_path / "out.json", []

    def again():
        with pytest.raises(ValueError, match=REFUSED):
            calls["certify"](out=out)
        refused.append(True)

    def model(images):
        if not refused:
            thread = Thread(target=again)
            thread.start()
            thread.join()
            again()
        return example_model(images)

    certify(model, "gaussianblur", test_images[:1], budget=QUICK, out=out)
    assert len(refused) == 2
    assert len(Report.load(out).certificates) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_neither_holds_nor_frees_nor_saves(tmp_path, monkeypatch):
    """It may leave the block by an exception, or outlive its parent's call."""
    out, saved = tmp_path / "out.json", []

    class Record:
        def save(self, path):
            saved.append(os.getpid())

    def parted():
        with resuming.kept(out, "report") as keep:
            keep(Record)
            monkeypatch.setattr(resuming, "SAVING", 1e-9)
            keep(Record)
            keep(Record)  # not saved at once
            saved.clear()
            if (child := os.fork()) == 0:
                sys.exit()
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            with pytest.raises(ValueError, match=REFUSED), locked(out):
                pass
            if (lasting := os.fork()) == 0:
                time.sleep(600)
            return lasting

    parent = os.getpid()
    try:
        lasting = parted()
    except SystemExit:
        assert os.getpid() != parent
        os._exit(len(saved))
    assert saved == [parent]
    try:
        with locked(out):
            pass
    finally:
        os.kill(lasting, signal.SIGKILL)
        os.waitpid(lasting, 0)


def test_the_lock_lasts_until_the_last_save(tmp_path):
    out, refused = tmp_path / "out.json", []

    class Record:
        def save(self, path):
            with pytest.raises(ValueError, match=REFUSED), locked(out):
                pass
            refused.append(path)

    def stopped():
        with resuming.kept(out, "report") as keep:
            keep(Record)
            keep(Record)
            assert len(refused) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert refused == [out.resolve()] * 2
    with locked(out):
        assert lock_of(out).exists()
    assert not lock_of(out).exists()


def test_what_is_saved_goes_where_the_lock_is(tmp_path, monkeypatch):
    """A link stays one, so that both names keep meaning one file, and a changed folder changes nothing."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to("real/out.json")
    monkeypatch.chdir(tmp_path)

    class Record:
        def save(self, path):
            write_text(path, "written")

    with resuming.kept("link.json", "report") as keep:
        os.chdir(tmp_path / "real")
        keep(Record)
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real" / "out.json").read_text() == "written"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["out.json"]
    with (
        locked(tmp_path / "real" / "out.json"),
        pytest.raises(ValueError, match=REFUSED),
        locked(tmp_path / "link.json"),
    ):
        pass
    write_text(tmp_path / "link.json", "written again")
    assert (tmp_path / "real" / "out.json").read_text() == "written again"


def test_places_that_cannot_be_locked_or_written_are_refused(tmp_path, monkeypatch):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "nowhere").symlink_to("missing/out.json")
    for path, message in (
        ("circle", "leads nowhere"),
        ("nowhere", "there is no folder"),
        ("a\0b", "leads nowhere"),
        ("n" * 300, "leads nowhere"),
        ("n" * 253, r"cannot be kept from other processes: .* cannot be locked \(File name too long\)"),
        ("/dev/null", "cannot be written to '/dev/null'"),
        ("/proc/out.json", "cannot be kept from other processes"),
        (".", "cannot be written to"),
    ):
        with pytest.raises(ValueError, match=message), resuming.kept(tmp_path / path, "report"):
            pass
    lock_of(tmp_path / "out.json").mkdir()
    with (
        pytest.raises(ValueError, match="remove that file if nobody uses it, or name a file in another folder"),
        resuming.kept(tmp_path / "out.json", "report"),
    ):
        pass
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != tmp_path)  # as in a folder that is read only
    (tmp_path / "file.json").touch()
    with pytest.raises(ValueError, match="cannot be written to"):
        check_writable(tmp_path / "file.json", "report")
    with pytest.raises(ValueError, match="cannot be written to"):
        save_page(tmp_path / "page.html", [])


def test_a_system_that_refuses_a_lock_is_an_error_in_words(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(ValueError, match=r"cannot be locked \(No locks available\)"), locked(tmp_path / "out.json"):
        pass


FLOCKLESS = """
import fcntl
def flock(*_):
    raise OSError(38, "Function not implemented")
fcntl.flock = flock
"""


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_where_the_system_knows_no_locks_a_marker_does(tmp_path, monkeypatch):
    """As on some clusters' disks. A marker that a kill leaves behind is found to be nobody's."""

    def flock(*_):
        raise OSError(ENOSYS, "Function not implemented")

    out = tmp_path / "out.json"
    monkeypatch.setattr("fcntl.flock", flock)
    with locked(out):
        with pytest.raises(ValueError, match=REFUSED), locked(out):
            pass
        assert lock_of(out).exists()
    assert not lock_of(out).exists()
    command = [sys.executable, "-W", "ignore", "-c", FLOCKLESS + HOLD, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(ValueError, match=REFUSED), locked(out):
            pass
        process.kill()
    with locked(out):
        pass
