# SPDX-License-Identifier: MIT
"""A QEMU that knows iommufd: the machine's own, or one from Debian's backports.

    newer_qemu.py FOLDER        find it, fetch it into FOLDER if need be, print what to start

Debian 12's own QEMU is older than iommufd. Then the packages of its backports are
downloaded and unpacked into FOLDER, and nothing is installed: apt works with a list
of sources and a cache of its own, and only tells, from what is installed, which
packages are wanted besides. The next time FOLDER is used as it is.

Needs no root. Every command is printed before it is run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

PROGRAM = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"
OLDEST = (8, 2)
SECONDS = 150       # for any one command
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Of an unpacked package only this is needed to run it.
KEPT = ["usr/bin/" + PROGRAM, "usr/lib", "usr/share/qemu", "usr/share/seabios"]


class Missing(Exception):
    """There is no such QEMU here, and why."""


class Unpacked(NamedTuple):
    """QEMU in a folder of its own (None: the machine's, in its place)."""
    folder: str | None

    def argv(self):
        """How it is started; options go behind."""
        if not self.folder:
            return [PROGRAM]
        libraries = os.path.join(self.folder, "usr/lib", f"{os.uname().machine}-linux-gnu")
        argv = ["env", f"LD_LIBRARY_PATH={libraries}", f"QEMU_MODULE_DIR={libraries}/qemu",
                os.path.join(self.folder, "usr/bin", PROGRAM)]
        for data in ("qemu", "seabios"):
            argv += ["-L", os.path.join(self.folder, "usr/share", data)]
        return argv

    def copy_to(self, folder):
        """The same below `folder`, for users who may not look into the first."""
        if not self.folder:
            return self
        for name in KEPT:
            source, target = os.path.join(self.folder, name), os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target, symlinks=True)
            elif os.path.exists(source):
                shutil.copy(source, target)
        return Unpacked(folder)

    def version(self):
        """(major, minor), or Missing when it does not start."""
        try:
            done = subprocess.run(self.argv() + ["--version"], capture_output=True, text=True,
                                  timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Missing(f"{PROGRAM} does not start: {error}") from None
        found = re.search(r"version (\d+)\.(\d+)", done.stdout)
        if not found:
            raise Missing(f"{PROGRAM} does not start: {done.stderr.strip() or done.returncode}")
        return int(found[1]), int(found[2])


def run(argv):
    """Prints a command, runs it; Missing when it fails."""
    print("  " + shlex.join(argv), flush=True)
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{argv[0]}: {error}") from None
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["no message"]
        telling = next((line for line in lines if "Failed to fetch" in line), lines[-1])
        raise Missing(f"{argv[0]} exits {done.returncode}: {telling.strip()}")
    return done.stdout


def release():
    """Debian's code name; Missing on anything else."""
    with open("/etc/os-release", encoding="utf-8") as file:
        values = dict(line.strip().split("=", 1) for line in file if "=" in line)
    if values.get("ID") != "debian" or "VERSION_CODENAME" not in values:
        raise Missing("only Debian's backports are looked into, and this is not Debian")
    return values["VERSION_CODENAME"].strip('"')


def mirror(codename):
    """Where this machine takes its packages from."""
    for key in ("Codename", "Release"):
        found = subprocess.run(
            ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)",
             f"{key}: {codename}", "Component: main", "Created-By: Packages"],
            stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        if found:
            return found[0]
    raise Missing(f"apt knows no mirror of {codename}")


def private_apt(apt, suite):
    """apt-get with all it writes in the folder `apt`, where it knows nothing but `suite`."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Missing("there is no apt-get or dpkg-deb here")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(apt, name))
    sources = os.path.join(apt, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        file.write(f"deb [signed-by={KEYS}] {mirror(release())} {suite} main\n")
    options = {
        "Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": os.path.join(apt, "lists"), "Dir::Cache": os.path.join(apt, "cache"),
        # of the system's state only what is installed is read
        "Debug::NoLocking": "1", "APT::Sandbox::User": "", "APT::Update::Error-Mode": "any",
    }
    apt_get = ["apt-get", "-qq"]
    for name, value in options.items():
        apt_get += ["-o", f"{name}={value}"]
    run(apt_get + ["update"])
    return apt_get


def fetch(folder):
    """Downloads and unpacks into `folder`, which is empty."""
    suite, apt = release() + "-backports", os.path.join(folder, "apt")
    apt_get = private_apt(apt, suite)
    run(apt_get + ["-y", "--no-install-recommends", "--download-only", "-t", suite,
                   "install", PACKAGE])
    archives = os.path.join(apt, "cache/archives")
    for name in sorted(os.listdir(archives)):
        if name.endswith(".deb"):
            run(["dpkg-deb", "-x", os.path.join(archives, name), folder])
    shutil.rmtree(apt)


def fetched(folder):
    """The one in `folder`, put there first if need be. All of it appears, or nothing."""
    if not os.path.isdir(folder):
        parent = os.path.dirname(os.path.abspath(folder))
        try:
            os.makedirs(parent, exist_ok=True)
            new = tempfile.mkdtemp(prefix="new-", dir=parent)
        except OSError as error:
            raise Missing(f"no place for a download: {error}") from None
        try:
            os.chmod(new, 0o755)
            print(f"{PROGRAM} from Debian's backports, unpacked into {folder}:", flush=True)
            fetch(new)
            os.rename(new, folder)
        except OSError as error:
            if not os.path.isdir(folder):   # else another run was faster
                raise Missing(f"no place for a download: {error}") from None
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return Unpacked(os.path.abspath(folder))


def find(folder):
    """An Unpacked that is new enough, or Missing."""
    own = "there is none here"
    if shutil.which(PROGRAM):
        system = Unpacked(None)
        version = system.version()
        if version >= OLDEST:
            return system
        own = "the one here is {}.{}".format(*version)
    try:
        qemu = fetched(folder)
        if qemu.version() < OLDEST:
            raise Missing("the backport is {}.{}".format(*qemu.version()))
    except Missing as missing:
        wanted = "QEMU {}.{} or newer is needed for iommufd".format(*OLDEST)
        raise Missing(f"{wanted}, {own}; {missing}") from None
    return qemu


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: newer_qemu.py FOLDER")
    try:
        print(shlex.join(find(sys.argv[1]).argv()))
    except Missing as why:
        sys.exit(str(why))
