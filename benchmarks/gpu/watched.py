"""A module run as a program that ends with the process that started it: ``watched PARENT MODULE ARGUMENT…``."""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time


def watch(parent: int) -> None:
    """The process ends as soon as it is nobody's child, or another one's."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(int(sys.argv[1]),), daemon=True).start()
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
