"""``python -m gsmooth_core`` is the command ``gsmooth``."""

from gsmooth_core.cli.app import main

if __name__ == "__main__":
    main()
