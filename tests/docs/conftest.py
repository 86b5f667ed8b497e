import pytest

from gsmooth_core.cli.app import app


@pytest.fixture
def parse(monkeypatch):
    """Parses a command's words as on a machine that has the files and plugins that they name."""

    def parsed(words):
        with monkeypatch.context() as there:
            for check in ("check_installed", "check_writable"):
                there.setattr(f"gsmooth_core.cli.early_checks.{check}", lambda *_: None)
            for look in ("is_file", "is_dir"):
                there.setattr(f"pathlib.Path.{look}", lambda _: True)
            return app.parse_args(words, exit_on_error=False, print_error=False)

    return parsed
