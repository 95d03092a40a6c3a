# SPDX-License-Identifier: MIT
"""The hot-add story, told by an unmodified QEMU. Runs inside `vfiosim run`.

    qemu_story.py STORY TRACE FOLDER

TRACE is the run's trace, FOLDER a place for QEMU's messages. Prints one line per
check, "ok ..." or "not ok ...", and exits 1 if any of them is not ok.

Guest: q35 under TCG, two PCIe root ports. An mdev sits behind the first one from
the start; the firmware places its BARs and QEMU maps them for DMA, which nobody
looks at, because a container that holds only mdevs has no page table. Then nic0
is hot-added: now every mapping has to be pinned.
"""

import os
import sys

from qmp import Qemu, QmpError, wait_for
from report import Machine, Report

MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
MDEV_GROUP = 11
NIC = "0000:01:00.0"
NIC_GROUP = 10
RAM = 128 << 20

# story -> why the kernel refuses: the attach to the first container, the BAR in the second.
STORIES = {
    "unpinnable": ("pin-region", "pin-region"),
    "reserved": ("attach-reserved", "reserved-region"),
}

COMMAND = [
    "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35,accel=tcg",
    "-m", f"{RAM >> 20}M", "-display", "none", "-qmp", "stdio",
    # unplugging then needs no guest OS
    "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
    "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=0x10",
    "-device", "pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x11",
    "-device", f"vfio-pci,id=mdev0,bus=rp1,sysfsdev=/sys/bus/mdev/devices/{MDEV}",
]


def span(mapping):
    """A mapping of the state as (first, last)."""
    return int(mapping["first"], 16), int(mapping["last"], 16)


def mapped(container):
    """{(first, last): vaddr} of a container's mappings."""
    return {span(m): m["vaddr"] for m in (container or {}).get("mappings", [])}


def bars_of(qemu, name):
    """The memory BARs of a guest device that the firmware has placed: [(first, last)]."""
    return [(r["address"], r["address"] + r["size"] - 1)
            for r in qemu.pci_devices().get(name, [])
            if r["type"] == "memory" and r["address"] > 0]


def same_ram(machine, bars):
    """What is mapped in both containers, and all that is mapped in the second.

    The firmware may still be moving low memory about, one container after the
    other, so the two need a moment to agree.
    """
    def look():
        containers = machine.containers()
        ours, theirs = (mapped(next(c for c in containers if group in c["groups"]))
                        for group in (MDEV_GROUP, NIC_GROUP))
        ram = {s: v for s, v in ours.items() if s not in bars}
        same = all(theirs.get(s) == v for s, v in ram.items())
        whole = sum(l - f + 1 for f, l in ram if l < RAM) > RAM * 3 // 4
        return (ram, theirs) if same and whole else None
    return wait_for(look, "RAM is mapped alike in both containers")


def boot(qemu, machine, report):
    """Waits for the firmware; the mdev's BARs, mapped for DMA but not pinned."""
    bars = wait_for(lambda: len(found := bars_of(qemu, "mdev0")) == 2 and found,
                    "the firmware places the mdev's BARs")
    wait_for(lambda: set(bars) <= set(mapped(machine.container_of(MDEV_GROUP))),
             "QEMU maps the mdev's BARs")
    first = machine.container_of(MDEV_GROUP)
    report.check(not any(m["pinned"] for m in first["mappings"]),
                 "the mdev's container holds RAM and BARs, nothing of it pinned", first)
    return bars


def hot_add(qemu, machine, report, rules, bars):
    """Adds nic0 and looks at what QEMU and the kernel made of it."""
    attach_rule, map_rule = rules
    first = machine.container_of(MDEV_GROUP)
    qemu.device_add("vfio-pci", "nic0", "rp2", host=NIC)
    report.check("nic0" in qemu.pci_devices(), "device_add: the guest has nic0")

    refused = machine.refusals("VFIO_GROUP_SET_CONTAINER", f"group {NIC_GROUP}")
    report.check([e["rule"] for e in refused] == [attach_rule],
                 f"the first container is refused to group {NIC_GROUP}: {attach_rule}", refused)
    second = machine.container_of(NIC_GROUP)
    if not report.check(second and second["number"] != first["number"]
                        and second["groups"] == [NIC_GROUP],
                        "a second container exists, of its own", machine.containers()):
        return

    ram, theirs = same_ram(machine, bars)
    report.check(ram, f"RAM is mapped in both ({len(ram)} mappings, "
                 f"{sum(l - f + 1 for f, l in ram) >> 20} MiB)", machine.containers())
    second = machine.container_of(NIC_GROUP)
    report.check(all(m["pinned"] for m in second["mappings"]), "and pinned in the second", second)

    refused = machine.refusals("VFIO_IOMMU_MAP_DMA", f"container {second['number']}")
    left_out = [b for b in bars if b not in theirs]
    report.check(refused and {e["rule"] for e in refused} == {map_rule},
                 f"a BAR is refused there: {map_rule}", refused)
    report.check({int(e["args"]["iova"], 16) for e in refused} == {b[0] for b in left_out}
                 and bars[0] in left_out,
                 f"and left out: {', '.join(f'{f:#x}..{l:#x}' for f, l in left_out)}",
                 f"bars {bars} mapped {theirs}")
    report.check("VFIO_MAP_DMA failed" in qemu.messages() or "vfio_container_dma_map" in
                 qemu.messages(), "QEMU says so", qemu.messages())


def running(qemu, report, when):
    """The guest lives."""
    status = qemu.execute("query-status")
    report.check(status["status"] == "running", f"the guest is running {when}", status)


def remove(qemu, machine, report):
    """Unplugs nic0, then ends QEMU."""
    qemu.execute("device_del", id="nic0")
    qemu.wait_event("DEVICE_DELETED")
    wait_for(lambda: not machine.container_of(NIC_GROUP), "the second container goes")
    report.check(len(machine.containers()) == 1, "nic0 is unplugged, its container gone",
                 machine.containers())
    running(qemu, report, "without it")
    status = qemu.quit()
    report.check(status == 0, "QEMU quits", status)
    wait_for(lambda: not machine.containers(), "the first container goes")
    report.check(True, "no container is left")


def tell(story, trace_path, folder):
    """One story from start to end; the number of checks that failed."""
    report, machine = Report(), Machine(trace_path)
    qemu = Qemu(COMMAND, os.path.join(folder, f"qemu-{story}.log"))
    try:
        report.check(True, f"QEMU {qemu.version} starts with the mdev")
        bars = boot(qemu, machine, report)
        running(qemu, report, "before the hot-add")
        hot_add(qemu, machine, report, STORIES[story], bars)
        running(qemu, report, "after the hot-add")
        remove(qemu, machine, report)
    finally:
        qemu.kill()
    return report.failed


def main():
    """Command line."""
    if len(sys.argv) != 4 or sys.argv[1] not in STORIES:
        sys.exit(f"usage: qemu_story.py {'|'.join(STORIES)} TRACE FOLDER")
    try:
        failed = tell(*sys.argv[1:])
    except (QmpError, OSError, KeyError, ValueError) as error:
        print(f"not ok the story ends early: {type(error).__name__}: {error}")
        failed = 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
