# SPDX-License-Identifier: MIT
"""An unmodified DPDK attaches a network card. Runs inside `vfiosim run`.

    dpdk_story.py attach TRACE FOLDER TESTPMD

testpmd goes the whole way of VFIO: container, type1 v1, memory, device, regions,
interrupts, reset. Then its driver looks for an Ethernet controller behind the
registers, finds memory, and gives the device up: so its exit status says nothing,
and what is checked is the trace.
"""

import os
import subprocess
import sys

from report import Machine, Report

DEVICE = "0000:01:00.0"
ENDING = ["--iova-mode=va", "--no-telemetry", "--", "--total-num-mbufs=2048"]
SECONDS = 60

# What has to succeed, in this order: verb, object.
STEPS = [
    ("VFIO_GET_API_VERSION", "container 1"),
    ("VFIO_GROUP_GET_STATUS", "group 10"),
    ("VFIO_GROUP_SET_CONTAINER", "group 10"),
    ("VFIO_SET_IOMMU", "container 1"),
    ("VFIO_IOMMU_MAP_DMA", "container 1"),
    ("VFIO_GROUP_GET_DEVICE_FD", "group 10"),
    ("VFIO_DEVICE_GET_INFO", f"device {DEVICE}"),
    ("VFIO_DEVICE_GET_REGION_INFO", f"device {DEVICE}"),
    ("VFIO_DEVICE_GET_IRQ_INFO", f"device {DEVICE}"),
    ("VFIO_DEVICE_RESET", f"device {DEVICE}"),
    ("VFIO_DEVICE_SET_IRQS", f"device {DEVICE}"),
]


def options(devices):
    """What testpmd is told, for devices at these addresses."""
    return ["--no-huge", "-m", "64", *(word for device in devices for word in ("-a", device)), *ENDING]


def main():
    """Command line."""
    if len(sys.argv) != 5:
        sys.exit("usage: dpdk_story.py attach TRACE FOLDER TESTPMD")
    report, machine = Report(), Machine(sys.argv[2])
    with open(os.path.join(sys.argv[3], "testpmd.log"), "wb") as log:
        subprocess.run([sys.argv[4], *options([DEVICE])], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                       env=dict(os.environ, RUNTIME_DIRECTORY=sys.argv[3]),
                       timeout=SECONDS, check=False)
    events = iter(machine.events())
    for verb, thing in STEPS:
        done = any(e["verb"] == verb and e["object"] == thing and e["result"] >= 0 for e in events)
        report.check(done, f"{verb} on {thing}", "not in the trace, or refused")
    refused = [e for e in machine.events() if e["result"] < 0]
    report.check(not refused, "nothing was refused", refused)
    report.check(not machine.containers(), "no container is left", machine.containers())
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
