"""How does a process of shoppers stay alive as long as it is wanted, and not a moment longer?"""

import importlib
import logging
import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess
from typing import Any

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 12.0
_PAUSE_S = 3.0
"""Before one that died is started again; doubles up to a minute."""
_PAUSE_MAX_S = 60.0


class Kept:
    """The function ``run`` of a module in a process of its own, started again when it dies."""

    def __init__(self, name: str, module: str, arguments: tuple[Any, ...]) -> None:
        self._name, self._module, self._arguments = name, module, arguments
        self._is_over = threading.Event()
        self._process: BaseProcess | None = None
        self._thread = threading.Thread(target=self._watch, name=f"{name}-keeper", daemon=True)

    @property
    def pid(self) -> int | None:
        """Of the process, if it runs."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> None:
        """Start it, and see to it that it stays."""
        self._thread.start()

    def stop(self) -> None:
        """End it: it is asked, and if it doesn't listen, killed."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        context, pause_s = multiprocessing.get_context("spawn"), _PAUSE_S
        while not self._is_over.is_set():
            arguments = (self._module, self._arguments)
            process = self._process = context.Process(target=_run, args=arguments, name=self._name, daemon=True)
            process.start()
            while process.is_alive() and not self._is_over.is_set():
                self._is_over.wait(0.2)
            if self._is_over.is_set():
                end(process)
                return
            if process.exitcode == 0:
                return
            log.warning("%s ended with %s; it starts again in %.0f s", self._name, process.exitcode, pause_s)
            self._is_over.wait(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)


def end(process: BaseProcess) -> None:
    """Ask a process to end, and kill it if it doesn't listen."""
    process.terminate()
    process.join(_STOP_WITHIN_S)
    if process.is_alive():
        process.kill()
        process.join()


def _run(module: str, arguments: tuple[Any, ...]) -> None:
    os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the whole group; here the parent says when to stop
    importlib.import_module(module).run(*arguments)
