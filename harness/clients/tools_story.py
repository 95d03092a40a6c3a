# SPDX-License-Identifier: MIT
"""What tools of the system make of the machine q35: udevadm, lspci, virsh, dpdk-devbind, driverctl.

    tools_story.py tools TRACE FOLDER NEWER

NEWER is a dpdk-devbind.py besides the system's, or why there is none ("-" and a sentence).
Runs inside `vfiosim run`. Prints "ok WHAT", "not ok WHAT", "skip: WHAT: WHY".
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

from report import skip

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
                          stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
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
        skip("udevadm", "there is none here")
    else:
        take(seen[0] == 0 and "E: PCI_ID=8086:10D3" in seen[1] and "E: DRIVER=vfio-pci" in seen[1],
             "udevadm info shows the card and its driver", seen[1])
    seen = tool("lspci", "-vvv", "-D", "-s", CARD)
    if not seen:
        skip("lspci", "there is none here")
    else:
        take(seen[0] == 0 and "82574L" in seen[1] and "IOMMU group: 10" in seen[1] and
             "Kernel driver in use: vfio-pci" in seen[1] and "Capabilities: [" in seen[1],
             "lspci -vvv shows the card, its group, its driver and its capabilities", seen[1])


def nodes():
    """libvirt's list of devices, by a daemon of our own: root's wants users of the system's."""
    if not shutil.which("libvirtd") or not shutil.which("virsh"):
        skip("virsh", "there is no libvirtd and virsh here")
        return
    if os.getuid() == 0:
        skip("virsh", "root's libvirtd wants a system that is set up for it")
        return
    home = pathlib.Path(sys.argv[3]) / "libvirt"
    home.mkdir()
    os.environ.update(HOME=str(home), XDG_RUNTIME_DIR=str(home), XDG_CONFIG_HOME=str(home / "config"),
                      XDG_CACHE_HOME=str(home / "cache"))
    with open(home / "messages", "w", encoding="utf-8") as messages, \
            subprocess.Popen(["libvirtd", "-p", home / "pid"], stdin=subprocess.DEVNULL,
                             stdout=messages, stderr=messages) as daemon:
        for _ in range(600):
            if daemon.poll() is not None or (home / "libvirt/libvirt-sock").exists():
                break
            time.sleep(0.1)
        seen = tool("virsh", "-c", "nodedev:///session", "nodedev-list", "--cap", "pci")
        take(seen[0] == 0 and seen[1].split() == sorted(
            "pci_" + name.translate(str.maketrans(":.", "__")) for name in os.listdir("/sys/bus/pci/devices")),
             "virsh nodedev-list lists the machine's PCI devices", seen[1])
        seen = tool("virsh", "-c", "nodedev:///session", "nodedev-dumpxml", "pci_0000_01_00_0")
        take(seen[0] == 0 and "<name>vfio-pci</name>" in seen[1] and "<iommuGroup number='10'>" in seen[1],
             "virsh nodedev-dumpxml shows the card, its driver and its group", seen[1])
        seen = tool("virsh", "-c", "nodedev:///session", "nodedev-list", "--cap", "mdev")
        take(seen[0] == 0 and len(seen[1].split()) == len(os.listdir("/sys/bus/mdev/devices")),
             "virsh nodedev-list lists the mdevs", seen[1])
        daemon.terminate()


def devbind(program, name):
    """DPDK's: from vfio-pci to the host's driver and back."""
    write(f"/sys/bus/pci/devices/{CARD}/driver_override", "\n")  # it leaves this to others
    seen = tool(program, "-b", "e1000e", CARD)
    take(seen[0] == 0 and driver() == "e1000e", f"{name} gives the card to e1000e", seen[1])
    seen = tool(program, "-b", "vfio-pci", CARD)
    take(seen[0] == 0 and driver() == "vfio-pci", f"{name} gives it to vfio-pci", seen[1])
    seen = tool(program, "--status-dev", "net")
    take(f"{CARD} '82574L Gigabit Network Connection 10d3' drv=vfio-pci" in seen[1],
         f"{name} lists it under DPDK's drivers", seen[1])
    seen = tool(program, "-u", CARD)
    take(seen[0] == 0 and driver() is None, f"{name} takes its driver away", seen[1])


def devbinds():
    """The system's, and a newer one."""
    if tool("dpdk-devbind.py", "--help"):
        devbind("dpdk-devbind.py", "dpdk-devbind")
    else:
        skip("dpdk-devbind", "there is none here")
    if sys.argv[4].startswith("-"):
        skip("newer dpdk-devbind", sys.argv[4].lstrip("- "))
    else:
        devbind(sys.argv[4], "newer dpdk-devbind")


def list_modules():
    """Where the host has no modules, modprobe is given a list of which all are built in."""
    if tool("modprobe", "-n", "vfio-pci")[0] == 0:
        return True
    folder = pathlib.Path(sys.argv[3]) / "modules"
    release = folder / "lib/modules" / os.uname().release
    release.mkdir(parents=True)
    for name in ("modules.builtin", "modules.order"):
        write(release / name, "kernel/drivers/vfio/pci/vfio-pci.ko\n")
    tool("depmod", "-b", folder, os.uname().release)
    os.environ["MODPROBE_OPTIONS"] = f"-d {folder}"
    return tool("modprobe", "-n", "vfio-pci")[0] == 0


def driverctl():
    """Fedora's and Debian's; it calls modprobe, which wants the host's modules."""
    if not tool("driverctl", "list-devices"):
        skip("driverctl", "there is none here")
        return
    seen = tool("driverctl", "--nosave", "unset-override", CARD)
    take(seen[0] == 0 and driver() == "e1000e", "driverctl gives the card back to e1000e", seen[1])
    if not shutil.which("modprobe") or not shutil.which("depmod") or not list_modules():
        skip("driverctl set-override", "modprobe finds no vfio-pci here")
        return
    seen = tool("driverctl", "--nosave", "set-override", CARD, "vfio-pci")
    take(seen[0] == 0 and driver() == "vfio-pci", "driverctl gives it to vfio-pci", seen[1])
    seen = tool("driverctl", "list-overrides")
    take(f"{CARD} vfio-pci" in seen[1], "driverctl lists the override", seen[1])
    seen = tool("driverctl", "--nosave", "unset-override", CARD)
    take(seen[0] == 0 and driver() == "e1000e", "driverctl takes the override back", seen[1])


def main():
    """Command line."""
    if len(sys.argv) != 5:
        sys.exit("usage: tools_story.py tools TRACE FOLDER NEWER")
    look()
    nodes()
    devbinds()
    driverctl()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
