# SPDX-License-Identifier: MIT
"""What a real client decides about its devices. Runs inside `vfiosim run`; see policies.py.

    policy_client.py STORY BACK-END TRACE FOLDER CLIENT...

Prints a line of JSON: "placed", the devices that are in and their container or ioas;
"omitted", the iovas it goes without; "aborted", whether it gave up in the middle.
"""

import json
import os
import signal
import subprocess
import sys

from back_ends import BACK_ENDS
from dpdk_story import SECONDS
from dpdk_story import options as dpdk_options
from policies import STORIES
from qmp import Qemu, QmpError
from report import Machine

CONFIG_ADDRESS, CONFIG_DATA = 0xcf8, 0xcfc

QEMU_OPTIONS = ["-S", "-machine", "q35,accel=tcg", "-nodefaults", "-no-user-config", "-m", "128M",
                "-display", "none", "-qmp", "stdio",
                "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=0x10",
                "-device", "pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x11"]


class Guest:
    """A QEMU whose processors never start: what a firmware does, the monitor does."""

    def __init__(self, qemu):
        self.qemu = qemu

    def out(self, port, value):
        """An access of the guest to an I/O port."""
        self.qemu.execute("human-monitor-command", **{"command-line": f"o/w {port:#x} {value:#x}"})

    def config(self, bus, slot, register, value):
        """A write to a PCI device's configuration."""
        self.out(CONFIG_ADDRESS, 1 << 31 | bus << 16 | slot << 11 | register)
        self.out(CONFIG_DATA, value)

    def place_bars(self, bars):
        """The BARs, from 0 on, of the device behind the first root port: its iovas."""
        window = bars[-1] >> 16 & 0xfff0
        self.config(0, 0x10, 0x18, 0x00010100)
        self.config(0, 0x10, 0x20, window << 16 | bars[0] >> 16 & 0xfff0)
        self.config(0, 0x10, 0x04, 0x6)
        for index, bar in enumerate(bars):
            self.config(1, 0, 0x10 + 4 * index, bar)
        self.config(1, 0, 0x04, 0x6)


def device_options(device, back):
    """What QEMU is told of a device."""
    key = "sysfsdev" if "-" in device else "host"
    place = f"/sys/bus/mdev/devices/{device}" if "-" in device else device
    return {key: place, **back.device_properties}


def tell(qemu, story, back):
    """What comes after the start; returns the decisions."""
    names = list(story.devices)
    Guest(qemu).place_bars(story.bars)
    for name in names[1:]:
        try:
            qemu.device_add("vfio-pci", name, "rp2", **device_options(story.devices[name], back))
        except QmpError:
            qemu.execute("query-status")    # it was refused, and QEMU lives; or it raises again
    spaces = back.spaces()
    omitted = {int(e["args"]["iova"], 16) for space in spaces for e in back.map_refusals(space)
               if int(e["args"]["iova"], 16) not in {first for first, _ in space.mappings}}
    return {"placed": {name: space.name for space in spaces for name in names
                       if story.devices[name] in space.devices},
            "omitted": sorted(omitted), "aborted": False}


def qemu_decides(story, back, folder, argv):
    """QEMU is started with the first device; the others are hot-added."""
    first, device = next(iter(story.devices.items()))
    options = ",".join(["vfio-pci", f"id={first}", "bus=rp1"] +
                       [f"{k}={v}" for k, v in device_options(device, back).items()])
    nothing = {"placed": {}, "omitted": [], "aborted": False}
    try:
        qemu = Qemu([*argv, *QEMU_OPTIONS, *back.qemu_options, "-device", options],
                    os.path.join(folder, "qemu.log"))
    except QmpError as error:   # it ends when its first device is refused
        return {**nothing, "aborted": error.status == -signal.SIGABRT}
    try:
        return tell(qemu, story, back)
    except QmpError as error:
        if error.status != -signal.SIGABRT:
            raise
        return {**nothing, "aborted": True}
    finally:
        qemu.kill()


def dpdk_decides(story, machine, folder, argv):
    """testpmd gives each device up again: it was in if its regions were asked for, and alone."""
    with open(os.path.join(folder, "testpmd.log"), "wb") as log:
        subprocess.run([*argv, *dpdk_options(story.devices.values())], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                       env=dict(os.environ, RUNTIME_DIRECTORY=folder), timeout=SECONDS, check=False)
    asked = {e["object"] for e in machine.events() if e["verb"] == "VFIO_DEVICE_GET_REGION_INFO"}
    return {"placed": {name: name for name, address in story.devices.items()
                       if f"device {address}" in asked},
            "omitted": [], "aborted": False}


def main():
    """Command line."""
    name, back_end, trace, folder, *argv = sys.argv[1:]
    story, machine = STORIES[name], Machine(trace)
    if name.startswith("dpdk"):
        decisions = dpdk_decides(story, machine, folder, argv)
    else:
        decisions = qemu_decides(story, BACK_ENDS[back_end](machine), folder, argv)
    print(json.dumps(decisions))


if __name__ == "__main__":
    main()
