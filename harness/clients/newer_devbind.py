# SPDX-License-Identifier: MIT
"""dpdk-devbind.py of DPDK 25.11 or newer, from Debian's sid: a script that needs nothing else.

The package is downloaded and its script kept; nothing is installed. See newer_qemu.py, whose
apt this is.
"""

import os
import shutil
import tempfile

from newer_qemu import Missing, private_apt, run

SCRIPT = "dpdk-devbind.py"


def fetch(folder):
    """Downloads into `folder`, which is there, and keeps the script."""
    with tempfile.TemporaryDirectory(dir=folder) as apt:
        apt_get = private_apt(apt, "sid")
        before = os.getcwd()
        os.chdir(apt)
        try:
            run(apt_get + ["download", "dpdk"])
        finally:
            os.chdir(before)
        for name in os.listdir(apt):
            if name.endswith(".deb"):
                run(["dpkg-deb", "-x", os.path.join(apt, name), os.path.join(apt, "unpacked")])
        shutil.copy(os.path.join(apt, "unpacked/usr/bin", SCRIPT), os.path.join(folder, SCRIPT))


def find(folder):
    """The script's path, fetched into `folder` if need be; Missing."""
    script = os.path.join(folder, SCRIPT)
    if not os.path.exists(script):
        try:
            os.makedirs(folder, exist_ok=True)
            fetch(folder)
        except OSError as error:
            raise Missing(f"no place for a download: {error}") from None
    return script
