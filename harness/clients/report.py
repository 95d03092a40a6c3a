# SPDX-License-Identifier: MIT
"""What the stories have in common: their lines, and the machine seen from inside a run."""

import json
import os
import signal
import sys


class Report:
    """Prints one line per check, "ok ..." or "not ok ..."."""

    def __init__(self):
        self.failed = 0

    def check(self, good, what, detail=""):
        """One line; a failed check tells `detail` below it. Returns `good`."""
        print(("ok " if good else "not ok ") + what, flush=True)
        if not good:
            self.failed += 1
            for line in str(detail).splitlines():
                print("  # " + line, flush=True)
        return good


def end_on_sigterm():
    """As an exception does, which takes folders and processes with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def skip(what, why):
    """One line for what cannot be checked here; check.py counts it."""
    print(f"skip: {what}: {why}", flush=True)


class Machine:
    """The simulated machine as this run's state file and trace show it."""

    def __init__(self, trace_path):
        self._trace_path = trace_path

    def state(self):
        """All of it as it is now."""
        with open(os.environ["VFIOSIM_STATE"], encoding="utf-8") as state:
            return json.load(state)

    def containers(self):
        """Its containers as they are now."""
        return self.state()["containers"]

    def events(self):
        """Every event of the trace so far; a last line still being written is left out."""
        with open(self._trace_path, encoding="utf-8") as trace:
            return [json.loads(line) for line in trace if line.endswith("\n")]

    def refusals(self, *verbs):
        """Refused commands of these names."""
        return [e for e in self.events() if e["verb"] in verbs and e["result"] < 0]
