"""``python -m gsmooth_core`` is the command ``gsmooth``."""

from gsmooth_core.cli import main

if __name__ == "__main__":
    main()
