# SPDX-License-Identifier: MIT
"""make check-clients: unmodified programs under `vfiosim run`.

    check.py VFIOSIM

Runs each client as root (when we are) and as an ordinary user, in a folder of its
own, and looks for what it left behind. Ends with "N passed, N failed, N skipped".
A failed run's folder stays and is named.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 100

class Run(NamedTuple):
    """One story: a program of this folder that runs inside `vfiosim run`."""
    name: str
    needs: str          # a command; without it the story is skipped
    topology: str       # a file of this folder when it ends in .yaml
    program: str
    story: str          # its first argument; the others are the trace and a folder


RUNS = [
    Run("qemu hot-add, a BAR that cannot be pinned", "qemu-system-x86_64",
        "hotadd", "qemu_story.py", "unpinnable"),
    Run("qemu hot-add, a BAR in a reserved region", "qemu-system-x86_64",
        "hotadd-reserved.yaml", "qemu_story.py", "reserved"),
    Run("dpdk attaches a network card", "dpdk-testpmd", "hotadd", "dpdk_story.py", "attach"),
]


def processes():
    """{pid: command line} of everything that runs."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                found[int(pid)] = cmdline.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            pass
    return found


def mounts():
    """The mounts we see, as lines."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return set(file)


class Checks:
    """Counts what passes."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def take(self, good, what):
        """One check made here."""
        print(("ok " if good else "not ok ") + what, flush=True)
        self.passed += bool(good)
        self.failed += not good

    def skip(self, what, why):
        """One check that cannot be made, and why."""
        print(f"skipped {what}: {why}", flush=True)
        self.skipped += 1

    def read(self, output):
        """The lines of a story."""
        for line in output.splitlines():
            print("  " + line, flush=True)
            self.passed += line.startswith("ok ")
            self.failed += line.startswith("not ok ")


def stage(vfiosim):
    """A folder that any user can read, with all a run needs in it."""
    folder = tempfile.mkdtemp(prefix="vfiosim-clients-")
    os.chmod(folder, 0o755)
    shutil.copy(vfiosim, folder)
    shutil.copy(os.path.join(HERE, "..", "as_user.sh"), folder)
    for name in os.listdir(HERE):
        if os.path.isfile(os.path.join(HERE, name)):
            shutil.copy(os.path.join(HERE, name), folder)
    os.mkdir(os.path.join(folder, "out"))
    os.chmod(os.path.join(folder, "out"), 0o1777)
    return folder


def run_story(checks, folder, as_user, run):
    """One run; returns whether all of it was well."""
    failed_before = checks.failed
    who = "an ordinary user" if as_user else "root" if os.getuid() == 0 else "this user"
    print(f"== {run.name}, as {who}", flush=True)
    out = os.path.join(folder, "out", f"{run.story}-{'user' if as_user else 'self'}")
    os.mkdir(out)
    os.chmod(out, 0o1777)
    trace = os.path.join(out, "trace.jsonl")
    topology = run.topology
    if topology.endswith(".yaml"):
        topology = os.path.join(folder, topology)
    argv = [os.path.join(folder, "vfiosim"), "run", "--topology", topology, "--trace", trace, "--",
            "python3", os.path.join(folder, run.program), run.story, trace, out]
    if as_user:
        argv.insert(0, os.path.join(folder, "as_user.sh"))

    before, mounts_before = processes(), mounts()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=folder,
                              stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        checks.read(done.stdout)
        checks.take(done.returncode == 0, f"the run exits 0 ({done.returncode})")
    except subprocess.TimeoutExpired as expired:
        checks.read((expired.stdout or b"").decode(errors="replace"))
        checks.take(False, f"the run ends within {SECONDS} s")
    left = {p: c for p, c in processes().items() if p not in before and folder in c}
    checks.take(not left, f"no process is left {left or ''}".rstrip())
    new = mounts() - mounts_before
    checks.take(not new, f"no mount is left {new or ''}".rstrip())
    return checks.failed == failed_before


def main():
    """Command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: check.py VFIOSIM")
    checks, good = Checks(), True
    folder = stage(sys.argv[1])
    for run in RUNS:
        if not shutil.which(run.needs):
            checks.skip(run.name, f"there is no {run.needs} here")
            continue
        good = run_story(checks, folder, False, run) and good
        if os.getuid() == 0:
            good = run_story(checks, folder, True, run) and good
        else:
            checks.skip(f"{run.name}, as root", "we are not root")
    if good:
        shutil.rmtree(folder)
    else:
        print(f"traces and messages stay in {folder}/out")
    print(f"{checks.passed} passed, {checks.failed} failed, {checks.skipped} skipped")
    sys.exit(1 if checks.failed or not checks.passed else 0)


if __name__ == "__main__":
    main()
