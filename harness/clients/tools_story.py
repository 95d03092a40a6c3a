# SPDX-License-Identifier: MIT
"""What tools of the system make of the machine q35: udevadm, lspci, dpdk-devbind, driverctl.

    tools_story.py tools TRACE FOLDER CLIENT...

Runs inside `vfiosim run`. Prints "ok WHAT", "not ok WHAT", "skipped WHAT: WHY".
"""

import os
import shutil
import subprocess
import sys

CARD = "0000:01:00.0"
DRIVER = f"/sys/bus/pci/devices/{CARD}/driver"
failed = 0


def take(good, what, seen=""):
    """One check."""
    global failed
    print(("ok " if good else "not ok ") + what)
    if not good:
        failed += 1
        print("\n".join("    " + line for line in seen.splitlines()[-15:]))


def tool(*argv):
    """(exit status, what it printed), None where there is no such tool."""
    if not shutil.which(argv[0]):
        return None
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    return done.returncode, done.stdout


def driver():
    """The card's driver now."""
    return os.path.basename(os.readlink(DRIVER)) if os.path.islink(DRIVER) else None


def write(path, text):
    """As echo -n."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def look():
    """Tools that only read."""
    seen = tool("udevadm", "info", f"/sys/bus/pci/devices/{CARD}")
    if not seen:
        print("skipped udevadm: there is none here")
    else:
        take(seen[0] == 0 and "E: PCI_ID=8086:10D3" in seen[1] and "E: DRIVER=vfio-pci" in seen[1],
             "udevadm info shows the card and its driver", seen[1])
    seen = tool("lspci", "-vvv", "-D", "-s", CARD)
    if not seen:
        print("skipped lspci: there is none here")
    else:
        take(seen[0] == 0 and "82574L" in seen[1] and "IOMMU group: 10" in seen[1] and
             "Kernel driver in use: vfio-pci" in seen[1] and "Capabilities: [" in seen[1],
             "lspci -vvv shows the card, its group, its driver and its capabilities", seen[1])


def devbind():
    """DPDK's: from vfio-pci to the host's driver and back."""
    devbind = "dpdk-devbind.py"
    if not tool(devbind, "--help"):
        print("skipped dpdk-devbind: there is none here")
        return
    write(f"/sys/bus/pci/devices/{CARD}/driver_override", "\n")  # it leaves this to others
    seen = tool(devbind, "-b", "e1000e", CARD)
    take(seen[0] == 0 and driver() == "e1000e", "dpdk-devbind gives the card to e1000e", seen[1])
    seen = tool(devbind, "-b", "vfio-pci", CARD)
    take(seen[0] == 0 and driver() == "vfio-pci", "dpdk-devbind gives it to vfio-pci", seen[1])
    seen = tool(devbind, "--status-dev", "net")
    take(f"{CARD} '82574L Gigabit Network Connection 10d3' drv=vfio-pci" in seen[1],
         "dpdk-devbind lists it under DPDK's drivers", seen[1])
    seen = tool(devbind, "-u", CARD)
    take(seen[0] == 0 and driver() is None, "dpdk-devbind takes its driver away", seen[1])


def driverctl():
    """Fedora's and Debian's; it calls modprobe, which wants the host's modules."""
    if not tool("driverctl", "list-devices"):
        print("skipped driverctl: there is none here")
        return
    if not shutil.which("modprobe") or tool("modprobe", "-n", "pci-stub")[0]:
        print("skipped driverctl set-override: modprobe finds no pci-stub here")
    else:
        seen = tool("driverctl", "--nosave", "set-override", CARD, "pci-stub")
        take(seen[0] == 0 and driver() == "pci-stub", "driverctl gives it to pci-stub", seen[1])
    seen = tool("driverctl", "--nosave", "unset-override", CARD)
    take(seen[0] == 0 and driver() == "e1000e", "driverctl gives it back to e1000e", seen[1])


def main():
    """Command line."""
    if len(sys.argv) < 4:
        sys.exit("usage: tools_story.py tools TRACE FOLDER CLIENT...")
    look()
    devbind()
    driverctl()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
