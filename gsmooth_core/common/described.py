"""How objects name themselves in reports."""

from __future__ import annotations


class ShowsSettings:
    """Makes ``repr`` show class and settings, the same in every process, so that reports can be compared.

    >>> class Law(ShowsSettings):
    ...     def __init__(self, scale):
    ...         self.scale = scale
    >>> Law(2.0)
    Law(scale=2.0)
    """

    def __repr__(self) -> str:
        settings = getattr(self, "__dict__", {})
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in sorted(settings.items()))})"
