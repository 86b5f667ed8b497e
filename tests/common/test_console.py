import io
import sys

import pytest

from gsmooth_core.common.console import make_tolerant, new_console, readable

TEXT = "ℓ₂ of −0.5 px², ½ of 10⁻⁷ ≤ σ × τ … 日 \udcff"


def stream_of(encoding, errors="strict"):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors, write_through=True)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", r"l2 of -0.5 px^2, 1/2 of 10^-7 <= sigma x tau ... \u65e5 \udcff"),
        ("cp1252", r"l2 of -0.5 px², ½ of 10^-7 <= sigma × tau … \u65e5 \udcff"),
        ("cp437", r"l2 of -0.5 px², ½ of 10^-7 ≤ σ x τ ... \u65e5 \udcff"),
        ("utf-8", TEXT.replace("\udcff", r"\udcff")),
    ],
)
def test_every_character_has_a_form_in_every_encoding(encoding, shown, monkeypatch):
    assert readable(TEXT, encoding) == shown
    for errors in ("strict", "surrogateescape"):
        stream = stream_of(encoding, errors)
        monkeypatch.setattr(sys, "stdout", stream)
        new_console(soft_wrap=True).print(TEXT, highlight=False)
        assert stream.buffer.getvalue().decode(encoding) == shown + "\n"
        stream = stream_of(encoding, errors)
        make_tolerant(stream)
        print(TEXT, file=stream)
        assert stream.buffer.getvalue().decode(encoding) == shown + "\n"


def test_streams_without_an_encoding_get_the_text_as_it_is(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    new_console().print("−0.5 ℓ", highlight=False)
    assert stream.getvalue() == "−0.5 ℓ\n"
    make_tolerant(stream)
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    new_console().print("−0.5")
    make_tolerant(None)
