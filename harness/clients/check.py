# SPDX-License-Identifier: MIT
"""make check-clients: unmodified programs under `vfiosim run`.

    check.py VFIOSIM

Runs each client as root (when we are) and as an ordinary user, in a folder of its
own, and looks for what it left behind. Ends with "N passed, N failed, N skipped".
What a failed run wrote stays and is named.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import newer_devbind
import newer_qemu
from newer_qemu import PROGRAM, Missing
from report import end_on_sigterm, skip

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.normpath(os.path.join(HERE, "../../build/clients"))
NEWER_QEMU = os.path.join(KEPT, "qemu-backports")
NEWER_DPDK = os.path.join(KEPT, "dpdk-sid")
SECONDS = 300


class Run(NamedTuple):
    """One story: a program of this folder that runs inside `vfiosim run`."""
    name: str
    client: str         # a command, or "newer qemu"; without it the story is skipped
    topology: str       # a file of this folder when it ends in .yaml
    program: str
    arguments: tuple    # the trace, a folder and how the client is started come behind
    kvm: bool = False


def qemu_runs():
    """The stories of qemu_story.py, over both back ends, under TCG and KVM."""
    stories = (("unpinnable", "hotadd", "hot-add, a BAR that cannot be pinned"),
               ("reserved", "hotadd-reserved.yaml", "hot-add, a BAR in a reserved region"),
               ("physical-first", "hotadd", "hot-add of an mdev beside a physical device"))
    for back_end, client in (("legacy", PROGRAM), ("iommufd", "newer qemu")):
        for accel in ("tcg", "kvm"):
            for story, topology, name in stories:
                yield Run(f"qemu, {back_end}, {accel}: {name}", client, topology, "qemu_story.py",
                          (story, "--back-end", back_end, "--accel", accel), accel == "kvm")


RUNS = [
    *qemu_runs(),
    Run("tools that look at sysfs and bind drivers", "tools", "q35", "tools_story.py", ("tools",)),
    Run("dpdk attaches a network card", "dpdk-testpmd", "hotadd", "dpdk_story.py", ("attach",)),
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
        skip(what, why)
        self.skipped += 1

    def read(self, output):
        """The lines of a story."""
        for line in output.splitlines():
            print("  " + line, flush=True)
            self.passed += line.startswith("ok ")
            self.failed += line.startswith("not ok ")
            self.skipped += line.startswith("skip: ")


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


class Clients:
    """The programs on this machine that are run."""

    def __init__(self, folder):
        self.folder = folder
        self._newer = None

    def argv(self, run, as_user):
        """How the client of a run is started; Missing when it cannot be run here."""
        if run.kvm:
            self._need_kvm(as_user)
        if run.client == "newer qemu":
            return self._newer_qemu().argv()
        if run.client == "tools":
            return [self._newer_devbind()]
        if not shutil.which(run.client):
            raise Missing(f"there is no {run.client} here")
        return [run.client]

    def _newer_qemu(self):
        """Looked for once, whatever comes of it."""
        if not self._newer:
            try:
                self._newer = newer_qemu.find(NEWER_QEMU).copy_to(os.path.join(self.folder, "qemu"))
            except Missing as missing:
                self._newer = missing
        if isinstance(self._newer, Missing):
            raise self._newer
        return self._newer

    def _newer_devbind(self):
        """Its path, or "- " and why there is none."""
        copy = os.path.join(self.folder, "newer-dpdk-devbind.py")
        try:
            if not os.path.exists(copy):
                shutil.copy(newer_devbind.find(NEWER_DPDK), copy)
        except Missing as missing:
            return f"- {missing}"
        return copy

    def _need_kvm(self, as_user):
        argv = ["python3", os.path.join(self.folder, "kvm_works.py")]
        if as_user:
            argv.insert(0, os.path.join(self.folder, "as_user.sh"))
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode:
            raise Missing(done.stderr.strip())


def run_story(checks, folder, as_user, run, client):
    """One run; returns whether all of it was well."""
    failed_before = checks.failed
    print(f"== {run.name}, {who(as_user)}", flush=True)
    out = tempfile.mkdtemp(prefix=f"{run.arguments[0]}-", dir=os.path.join(folder, "out"))
    os.chmod(out, 0o1777)
    trace = os.path.join(out, "trace.jsonl")
    topology = run.topology
    if topology.endswith(".yaml"):
        topology = os.path.join(folder, topology)
    argv = [os.path.join(folder, "vfiosim"), "run", "--topology", topology, "--trace", trace, "--",
            "python3", os.path.join(folder, run.program), *run.arguments, trace, out, *client]
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
    if checks.failed > failed_before:
        print(f"trace and messages stay in {out}")
    return checks.failed == failed_before


def who(as_user):
    """As whom a story is run."""
    return ("as an ordinary user" if as_user else "as root" if os.getuid() == 0 else
            "as this user")


def run_one(checks, clients, as_user, run):
    """A run, or the reason why there is none; returns whether all of it was well."""
    try:
        client = clients.argv(run, as_user)
    except Missing as missing:
        checks.skip(f"{run.name}, {who(as_user)}", missing)
        return True
    return run_story(checks, clients.folder, as_user, run, client)


def run_program(checks, *argv):
    """One of the programs of this folder that print checks; it ends with us."""
    with subprocess.Popen(["python3", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as child:
        try:
            checks.read(child.communicate()[0])
        except BaseException:
            child.terminate()
            raise
    checks.take(child.returncode == 0, f"{os.path.basename(argv[0])} exits 0 ({child.returncode})")


def run_stories(checks, folder):
    """All of RUNS; returns whether all was well."""
    clients, good = Clients(folder), True
    for run in RUNS:
        good = run_one(checks, clients, False, run) and good
        if os.getuid() == 0:
            good = run_one(checks, clients, True, run) and good
        else:
            checks.skip(f"{run.name}, as root", "we are not root")
    return good


def main():
    """Command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: check.py VFIOSIM")
    end_on_sigterm()
    checks, good = Checks(), True
    folder = stage(sys.argv[1])
    try:
        good = run_stories(checks, folder)
    finally:
        shutil.rmtree(folder if good else os.path.join(folder, "qemu"), ignore_errors=True)
    print("== the selection policies, beside the programs that they stand for", flush=True)
    run_program(checks, os.path.join(HERE, "policies.py"), sys.argv[1], NEWER_QEMU)
    print("== the tour, with answers typed and over a pipe", flush=True)
    run_program(checks, os.path.join(HERE, "tour.py"), sys.argv[1])
    print("== pages in a browser", flush=True)
    run_program(checks, os.path.join(HERE, "pages.py"), sys.argv[1], os.path.join(KEPT, "pages"))
    print(f"{checks.passed} passed, {checks.failed} failed, {checks.skipped} skipped")
    sys.exit(1 if checks.failed or not checks.passed else 0)


if __name__ == "__main__":
    main()
