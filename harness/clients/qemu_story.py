# SPDX-License-Identifier: MIT
"""The hot-add story, told by an unmodified QEMU. Runs inside `vfiosim run`.

    qemu_story.py STORY [--back-end legacy|iommufd] [--accel tcg|kvm] TRACE FOLDER QEMU...

TRACE is the run's trace, FOLDER a place for QEMU's messages, QEMU... how it is
started. Prints one line per check, "ok ..." or "not ok ...", and exits 1 if any of
them is not ok.

Guest: q35, two PCIe root ports. In the stories of conflict an mdev sits behind the
first one from the start; the firmware places its BARs and QEMU maps them for DMA,
which nobody looks at, because a space that holds only mdevs has no page table. Then
nic0 is hot-added: now every mapping has to be pinned. In the third nic0 is there
first, and the mdev is taken in without a look.
"""

import argparse
import os
import sys

from back_ends import BACK_ENDS
from qmp import Qemu, QmpError, wait_for
from report import Machine, Report

MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
NIC = "0000:01:00.0"
RAM = 128 << 20

# story, back end -> why the kernel refuses: nic0 in the first space, the BAR in the second.
CONFLICTS = {
    ("unpinnable", "legacy"): ("pin-region", "pin-region"),
    ("unpinnable", "iommufd"): ("pin-region", "pin-region"),
    ("reserved", "legacy"): ("attach-reserved", "reserved-region"),
    ("reserved", "iommufd"): ("resv-in-use", "ioas-reserved"),
}
STORIES = ("unpinnable", "reserved", "physical-first")

# What QEMU says about a BAR that it leaves out: any of these, by version and back end.
LEFT_OUT = ("VFIO_MAP_DMA failed", "vfio_container_dma_map", "IOMMU_IOAS_MAP failed")

OPTIONS = [
    "-nodefaults", "-no-user-config", "-m", f"{RAM >> 20}M", "-display", "none", "-qmp", "stdio",
    # unplugging then needs no guest OS
    "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
    "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=0x10",
    "-device", "pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x11",
]


def text(spans):
    """Some (first, last) for a person."""
    return ", ".join(f"{first:#x}..{last:#x}" for first, last in sorted(spans))


class Story:
    """One guest, its devices, and what is expected of them."""

    DEVICES = {
        "mdev0": (MDEV, {"sysfsdev": f"/sys/bus/mdev/devices/{MDEV}"}),
        "nic0": (NIC, {"host": NIC}),
    }

    def __init__(self, options, first):
        self.report = Report()
        machine = Machine(options.trace)
        self.back = BACK_ENDS[options.back_end](machine)
        self.story, self.back_end = options.story, options.back_end
        device = ",".join(["vfio-pci", f"id={first}", "bus=rp1"] +
                          [f"{k}={v}" for k, v in self.properties(first).items()])
        self.qemu = Qemu([*options.qemu, "-machine", f"q35,accel={options.accel}", *OPTIONS,
                          *self.back.qemu_options, "-device", device],
                         os.path.join(options.folder, "qemu.log"))
        self.report.check(True, f"QEMU {self.qemu.version} starts with {first} ({options.accel})")

    def properties(self, name):
        """What QEMU has to know of a device."""
        return {**self.DEVICES[name][1], **self.back.device_properties}

    def space_of(self, name):
        """The container or ioas of a device, or None."""
        return self.back.space_of(self.DEVICES[name][0])

    def bars_of(self, name):
        """The memory BARs of a guest device that the firmware has placed: {(first, last)}."""
        return {(r["address"], r["address"] + r["size"] - 1)
                for r in self.qemu.pci_devices().get(name, [])
                if r["type"] == "memory" and r["address"] > 0}

    def boot(self, name, n_bars):
        """Waits until the firmware has placed the BARs of the first device."""
        return wait_for(lambda: len(found := self.bars_of(name)) == n_bars and found,
                        f"the firmware places the BARs of {name}")

    def hot_add(self, name):
        """Plugs a device in."""
        self.qemu.device_add("vfio-pci", name, "rp2", **self.properties(name))
        self.report.check(name in self.qemu.pci_devices(), f"device_add: the guest has {name}")

    def running(self, when):
        """The guest lives."""
        status = self.qemu.execute("query-status")
        self.report.check(status["status"] == "running", f"the guest is running {when}", status)

    def remove(self, name):
        """Unplugs a device."""
        self.qemu.execute("device_del", id=name)
        self.qemu.wait_event("DEVICE_DELETED")
        wait_for(lambda: not self.space_of(name), f"{name} leaves its {self.back.noun}")
        self.report.check(len(self.back.spaces()) == 1, f"{name} is unplugged, "
                          f"one {self.back.noun} is left", self.back.spaces())

    def end(self):
        """Ends QEMU and looks for what it left."""
        status = self.qemu.quit()
        self.report.check(status == 0, "QEMU quits", status)
        state = wait_for(self._nothing_left, "nothing is left of it")
        self.report.check(state, "nothing is left in the machine")

    def _nothing_left(self):
        state = self.back.machine.state()
        return (not state["containers"] and not state.get("iommufds")
                and not any(d["open"] for d in state["devices"]) and state)


class Conflict(Story):
    """An mdev is there first, and something of what it has mapped cannot be kept."""

    def __init__(self, options):
        super().__init__(options, "mdev0")

    def tell(self):
        """From start to end."""
        bars = self.boot("mdev0", 2)
        wait_for(lambda: bars <= set(self.space_of("mdev0").mappings),
                 "QEMU maps the mdev's BARs")
        first = self.space_of("mdev0")
        self.report.check(not first.pinned(), f"the mdev's {self.back.noun} holds RAM and BARs, "
                          "nothing of it pinned", first)
        self.running("before the hot-add")
        self.hot_add("nic0")
        self.conflict(first, bars)
        self.running("after the hot-add")
        self.remove("nic0")
        self.running("without it")
        self.end()

    def conflict(self, first, bars):
        """What QEMU and the kernel made of nic0."""
        noun, check = self.back.noun, self.report.check
        attach_rule, map_rule = CONFLICTS[self.story, self.back_end]

        refused = self.back.attach_refusals(NIC)
        check([e["rule"] for e in refused] == [attach_rule],
              f"the first {noun} is refused to nic0: {attach_rule}", refused)
        second = self.space_of("nic0")
        if not check(second and second.name != first.name and second.devices == {NIC},
                     f"a second {noun} exists, of its own", self.back.spaces()):
            return
        ram = self.same_ram(bars)
        check(ram, f"RAM is mapped in both ({len(ram)} mappings, "
              f"{sum(last - first + 1 for first, last in ram) >> 20} MiB)", self.back.spaces())
        second = self.space_of("nic0")
        check(second.pinned() == set(second.mappings), "and pinned in the second", second)

        refused = self.back.map_refusals(second)
        left_out = bars - set(second.mappings)
        check(refused and {e["rule"] for e in refused} == {map_rule},
              f"a BAR is refused there: {map_rule}", refused)
        check({int(e["args"]["iova"], 16) for e in refused} == {b[0] for b in left_out}
              and min(bars) in left_out,
              f"and left out: {text(left_out)}", f"{text(bars)}\n{second}")
        check(any(words in self.qemu.messages() for words in LEFT_OUT), "QEMU says so",
              self.qemu.messages())

    def same_ram(self, bars):
        """What is mapped in both spaces but for BARs, at the same addresses of QEMU.

        The firmware may still be moving low memory about, one space after the
        other, so the two need a moment to agree.
        """
        def look():
            ours, theirs = ({span: m["vaddr"] for span, m in self.space_of(name).mappings.items()}
                            for name in ("mdev0", "nic0"))
            ram = {span for span in ours if span not in bars}
            same = all(theirs.get(span) == ours[span] for span in ram)
            whole = sum(last - first + 1 for first, last in ram if first < RAM) > RAM * 3 // 4
            return same and whole and ram
        return wait_for(look, "RAM is mapped alike in both")


class PhysicalFirst(Story):
    """A physical device is there first; the mdev joins it, and nobody looks at anything."""

    def __init__(self, options):
        super().__init__(options, "nic0")

    def tell(self):
        """From start to end."""
        bars = self.boot("nic0", 3)
        self.own_bars(bars)
        self.running("before the hot-add")
        self.hot_add("mdev0")
        spaces = self.back.spaces()
        self.report.check(len(spaces) == 1 and spaces[0].devices == {NIC, MDEV},
                          f"the mdev joins the same {self.back.noun}", spaces)
        refused = self.back.attach_refusals(MDEV)
        self.report.check(not refused, "and is not refused any", refused)
        self.running("after the hot-add")
        self.remove("mdev0")
        self.running("without it")
        self.end()

    def own_bars(self, bars):
        """RAM is pinned. Its own BARs are mapped with type1 and refused by iommufd.

        Registers have no pages to pin: type1 takes their addresses, iommufd does not.
        """
        # The firmware moves low memory about: for a moment there is none.
        space = wait_for(lambda: (now := self.space_of("nic0")) and
                         any(first == 0 for first, _ in now.mappings) and now,
                         "RAM is mapped")
        self.report.check(space.pinned() == set(space.mappings),
                          "RAM is mapped, all of it pinned", space)
        if self.back_end == "legacy":
            mapped = wait_for(lambda: bars & set(self.space_of("nic0").mappings),
                              "its own BARs are mapped")
            self.report.check(mapped, f"its own BARs are mapped: {text(mapped)}")
            return
        refused = wait_for(lambda: self.back.map_refusals(space), "its own BARs are refused")
        self.report.check({e["rule"] for e in refused} == {"pin-region"} and
                          not bars & set(self.space_of("nic0").mappings),
                          "its own BARs are refused and left out: pin-region", refused)


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("story", choices=STORIES)
    parser.add_argument("--back-end", choices=BACK_ENDS, default="legacy")
    parser.add_argument("--accel", choices=("tcg", "kvm"), default="tcg")
    parser.add_argument("trace")
    parser.add_argument("folder")
    parser.add_argument("qemu", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main():
    """Command line."""
    options = arguments()
    story = None
    try:
        story = (PhysicalFirst if options.story == "physical-first" else Conflict)(options)
        story.tell()
        failed = story.report.failed
    except (QmpError, OSError, KeyError, ValueError) as error:
        print(f"not ok the story ends early: {type(error).__name__}: {error}")
        failed = 1
    finally:
        if story:
            story.qemu.kill()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
