# SPDX-License-Identifier: MIT
"""Do the selection policies decide as the programs that they stand for?

    policies.py VFIOSIM FOLDER

For each row a real client runs under `vfiosim run`, and its policy plays the same story
in process, on the same topology and with the same fault. Compared are what became of each
device, what is left out, whether the program gives up, and every refusal on the way.
FOLDER is where a newer QEMU is looked for. Prints "ok" and "not ok" lines, exits 1 if a
row differs.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import newer_qemu
from newer_qemu import PROGRAM, Missing
from report import Report, end_on_sigterm, skip

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60

MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"


class Story(NamedTuple):
    """What happens: policies/NAME.yaml says it to a policy, policy_client.py to a client."""
    topology: str
    devices: dict       # name -> address; the client is started with the first
    bars: tuple = ()    # where the first one's BARs are placed


STORIES = {
    "start": Story("hotadd", {"mdev0": MDEV}, (0xfe400000,)),
    "mdev-first": Story("hotadd", {"mdev0": MDEV, "nic0": "0000:01:00.0"}, (0xfe400000, 0xfe500000)),
    "nic-first": Story("hotadd", {"nic0": "0000:01:00.0", "mdev0": MDEV}, (0xfe400000, 0xfe420000)),
    "two-nics": Story("q35", {"A": "0000:01:00.0", "B": "0000:02:00.0"}, (0xfe400000, 0xfe420000)),
    "dpdk": Story("hotadd", {"nic0": "0000:01:00.0"}),
    "dpdk-two": Story("q35", {"A": "0000:01:00.0", "B": "0000:02:00.0"}),
}

# policy -> (story, fault; None: the machine refuses what it refuses by itself). No Linux since
# 6.1 says EBUSY to a map, so that has to be forced; QEMU still does something about it.
ROWS = {
    "qemu-legacy": [
        ("mdev-first", None),
        ("nic-first", None),
        ("two-nics", None),
        ("start", "open,group=11,when=1,error=EBUSY"),
        ("start", "open,when=2,error=ENODEV"),
        ("start", "VFIO_GROUP_GET_STATUS,group=11,when=1,set.flags=0"),
        ("start", "VFIO_CHECK_EXTENSION,container=1,when=1,return=0"),
        ("start", "VFIO_GROUP_SET_CONTAINER,group=11,when=1,error=ENOMEM"),
        ("start", "VFIO_SET_IOMMU,container=1,when=1,error=ENOMEM"),
        ("start", "VFIO_IOMMU_GET_INFO,container=1,when=1,error=EFAULT"),
        ("start", "VFIO_IOMMU_MAP_DMA,container=1,iova=0..0x7ffffff,when=1,error=ENOMEM"),
        ("start", "VFIO_GROUP_GET_DEVICE_FD,group=11,when=1,error=EBUSY"),
        ("mdev-first", "VFIO_GROUP_SET_CONTAINER,group=10,when=2,error=ENOMEM"),
        ("mdev-first", "VFIO_SET_IOMMU,container=2,when=1,error=ENODEV"),
        ("mdev-first", "VFIO_IOMMU_GET_INFO,container=2,when=2,error=EFAULT"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0xfe500000..0xfe5fffff,when=1,error=EINVAL"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0xfe500000..0xfe5fffff,when=1,error=EBUSY,force"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0x100000..0x7ffffff,when=1,error=ENOMEM"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0x100000..0x7ffffff,when=1,error=EBUSY,force"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0x100000..0x7ffffff,when=1+,error=EBUSY,force"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=2,iova=0xc0000..0xdffff,when=1,error=EEXIST"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=1,iova=0xc0000..0xdffff,when=2,error=ENOMEM"),
        ("mdev-first", "VFIO_IOMMU_MAP_DMA,container=1,iova=0xfe500000..0xfe5fffff,when=1,error=ENOSPC"),
        ("mdev-first", "VFIO_GROUP_GET_STATUS,group=10,when=1,set.flags=0"),
        ("mdev-first", "VFIO_GROUP_GET_DEVICE_FD,group=10,when=1,error=ENODEV"),
        ("mdev-first", "domain-alloc,when=1,error=ENOMEM"),
        ("nic-first", "VFIO_GROUP_SET_CONTAINER,group=11,when=1,error=EBUSY"),
        ("nic-first", "VFIO_GROUP_SET_CONTAINER,group=11,when=1+,error=EBUSY"),
        ("nic-first", "VFIO_DEVICE_GET_INFO,device=" + MDEV + ",when=1,error=EFAULT"),
        ("two-nics", "VFIO_GROUP_SET_CONTAINER,group=11,when=1,error=ENOMEM"),
        ("two-nics", "VFIO_GROUP_SET_CONTAINER,group=11,when=1,error=EINVAL"),
        ("two-nics", "domain-attach,group=11,when=1,error=ENOMEM"),
    ],
    "qemu-iommufd": [
        ("mdev-first", None),
        ("nic-first", None),
        ("two-nics", None),
        ("start", "open,device=" + MDEV + ",when=1,error=EBUSY"),
        ("start", "open,when=2,error=ENOMEM"),
        ("start", "VFIO_DEVICE_BIND_IOMMUFD,device=" + MDEV + ",when=1,error=ENOMEM"),
        ("start", "IOMMU_IOAS_ALLOC,when=1,error=ENOMEM"),
        ("start", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=" + MDEV + ",when=1,error=ENOMEM"),
        ("start", "IOMMU_IOAS_IOVA_RANGES,when=1,error=EFAULT"),
        ("start", "IOMMU_IOAS_MAP,iova=0..0x7ffffff,when=1,error=ENOMEM"),
        ("mdev-first", "VFIO_DEVICE_BIND_IOMMUFD,device=0000:01:00.0,when=1,error=ENOMEM"),
        ("mdev-first", "IOMMU_GET_HW_INFO,when=1,error=EOPNOTSUPP"),
        ("mdev-first", "IOMMU_HWPT_ALLOC,when=1,error=ENOMEM"),
        ("mdev-first", "IOMMU_HWPT_ALLOC,when=2,error=ENOMEM"),
        ("mdev-first", "IOMMU_IOAS_ALLOC,when=2,error=ENOMEM"),
        ("mdev-first", "IOMMU_IOAS_MAP,ioas=4,iova=0xfe500000..0xfe5fffff,when=1,error=EINVAL"),
        ("mdev-first", "IOMMU_IOAS_MAP,ioas=4,iova=0x100000..0x7ffffff,when=1,error=ENOMEM"),
        ("mdev-first", "IOMMU_IOAS_MAP,ioas=2,iova=0xc0000..0xdffff,when=2,error=ENOMEM"),
        ("nic-first", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=" + MDEV + ",when=1,error=EBUSY"),
        ("nic-first", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=" + MDEV + ",when=1+,error=EBUSY"),
        ("two-nics", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=0000:02:00.0,when=1,error=EINVAL"),
        ("two-nics", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=0000:02:00.0,when=1,error=ENOMEM"),
        ("two-nics", "VFIO_DEVICE_ATTACH_IOMMUFD_PT,device=0000:02:00.0,when=1+,error=EINVAL"),
        ("two-nics", "VFIO_DEVICE_GET_INFO,device=0000:02:00.0,when=1,error=EFAULT"),
    ],
    # It opens the container when it starts, before any group: such a fault cannot be told alike.
    "dpdk": [
        ("dpdk", None),
        ("dpdk", "open,group=10,when=1,error=EBUSY"),
        ("dpdk", "VFIO_CHECK_EXTENSION,container=1,when=1,return=0"),
        ("dpdk", "VFIO_GROUP_GET_STATUS,group=10,when=1,set.flags=0"),
        ("dpdk", "VFIO_GROUP_SET_CONTAINER,group=10,when=1,error=EBUSY"),
        ("dpdk", "VFIO_GROUP_SET_CONTAINER,group=10,when=1,error=ENOMEM"),
        ("dpdk", "VFIO_SET_IOMMU,container=1,when=1,error=ENOMEM"),
        ("dpdk", "VFIO_SET_IOMMU,container=1,when=1,error=ENODEV"),
        ("dpdk", "VFIO_IOMMU_MAP_DMA,container=1,when=1,error=EEXIST"),
        ("dpdk", "VFIO_IOMMU_MAP_DMA,container=1,when=1,error=EBUSY,force"),
        ("dpdk", "VFIO_IOMMU_MAP_DMA,container=1,when=1,error=ENOMEM"),
        ("dpdk", "VFIO_GROUP_GET_DEVICE_FD,group=10,when=1,error=EBUSY"),
        ("dpdk", "VFIO_DEVICE_GET_INFO,device=0000:01:00.0,when=1,error=EFAULT"),
        ("dpdk", "domain-attach,group=10,when=1,error=ENOMEM"),
        ("dpdk-two", None),
        ("dpdk-two", "open,group=10,when=1,error=EBUSY"),
        ("dpdk-two", "VFIO_GROUP_SET_CONTAINER,group=10,when=1,error=ENOMEM"),
        ("dpdk-two", "VFIO_GROUP_SET_CONTAINER,group=11,when=1,error=EBUSY"),
        ("dpdk-two", "VFIO_GROUP_GET_STATUS,group=11,when=1,set.flags=0"),
        ("dpdk-two", "VFIO_IOMMU_MAP_DMA,container=1,when=1,error=ENOMEM"),
    ],
}

# What a policy decides on; what a client asks besides is its own affair.
DECIDES = {
    "open", "VFIO_GROUP_GET_STATUS", "VFIO_GROUP_SET_CONTAINER", "VFIO_GROUP_GET_DEVICE_FD",
    "VFIO_SET_IOMMU", "VFIO_IOMMU_GET_INFO", "VFIO_IOMMU_MAP_DMA", "VFIO_DEVICE_GET_INFO",
    "VFIO_DEVICE_BIND_IOMMUFD", "VFIO_DEVICE_ATTACH_IOMMUFD_PT", "IOMMU_GET_HW_INFO",
    "IOMMU_HWPT_ALLOC", "IOMMU_IOAS_ALLOC", "IOMMU_IOAS_MAP", "IOMMU_IOAS_IOVA_RANGES",
}


def decisions(story, placed, omitted, aborted, events):
    """As lines. Spaces are named by the devices in them; their numbers are in the refusals."""
    lines = [refusal(e) for e in events if e["verb"] in DECIDES and e["result"] < 0]
    if aborted:
        return lines + ["gives up"]
    spaces = {}
    for name, space in placed.items():
        spaces.setdefault(space, []).append(name)
    lines += ["together: " + " ".join(names) for names in spaces.values()]
    lines += [f"refused: {name}" for name in STORIES[story].devices if name not in placed]
    return lines + [f"omitted: {iova:#x}" for iova in omitted]


def refusal(event):
    """A refused command. testpmd chooses iovas of its own; where each BAR is, the story says."""
    args = event.get("args", {})
    iova = args.get("iova", "")
    iova = f" of {iova}" if iova and int(iova, 16) < 1 << 32 else ""
    ioas = f" in ioas {args['ioas_id']}" if "ioas_id" in args else ""
    return f"{event['verb']} of {event['object']}{ioas}{iova}: {event['error']}"


def json_lines(lines):
    """The lines that are events."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def run(argv):
    """Runs a command. A fault that does not happen proves nothing."""
    output = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    if "never fired" in output.stderr:
        raise ValueError(f"{shlex.join(argv)}:\n{output.stderr}")
    return output


def of_policy(vfiosim, policy, story, fault):
    """What the policy decides."""
    argv = [vfiosim, "case", "run", os.path.join(HERE, "policies", story + ".yaml"),
            "--policy", policy, "--log", "--trace"] + (["--fault", fault] if fault else [])
    output = run(argv)
    found = re.search(r"^outcome: .* placed=\[(.*?)\] omitted=\[(.*?)\] .* aborted=(\d)",
                      output.stdout, re.MULTILINE)
    came = re.findall(r"^policy: (\S+) is in container", output.stdout, re.MULTILINE)
    if not found:
        raise ValueError(f"{shlex.join(argv)}:\n{output.stdout}{output.stderr}")
    placed = dict(word.split("=") for word in found[1].split())
    if policy == "dpdk":    # one after the other: see policy_client.py
        placed = {name: name for name in came}
    return decisions(story, placed, [int(iova, 16) for iova in found[2].split()], found[3] == "1",
                     json_lines(output.stdout.splitlines()))


def of_client(vfiosim, client, story, back_end, fault):
    """What the client decides."""
    with tempfile.TemporaryDirectory(prefix="vfiosim-policies-") as folder:
        trace = os.path.join(folder, "trace.jsonl")
        argv = [vfiosim, "run", "--topology", STORIES[story].topology, "--trace", trace]
        argv += ["--fault", fault] if fault else []
        argv += ["--", "python3", os.path.join(HERE, "policy_client.py"), story, back_end, trace,
                 folder, *client]
        output = run(argv)
        try:
            decided = json.loads(output.stdout)
            with open(trace, encoding="utf-8") as lines:
                events = json_lines(lines)
        except (ValueError, OSError):
            raise ValueError(f"{shlex.join(argv)}:\n{output.stdout}{output.stderr}") from None
    return decisions(story, **decided, events=events)


def claimed(vfiosim):
    """The policies whose rows say that they are compared here."""
    said = re.findall(r"^(\S+) \(|^    checked by (.*)$", run([vfiosim, "case", "verbs"]).stdout,
                      re.MULTILINE)
    return {name for (name, _), (_, by) in zip(said, said[1:]) if "harness/clients/policies.py" in by}


class Row(NamedTuple):
    """A client and its policy, a story, and what fails in it (None: nothing by order)."""
    policy: str
    client: str         # its name and version
    argv: list
    story: str
    fault: str | None

    def compare(self, vfiosim):
        """(equal?, what it is about, what differs)."""
        what = f"{self.client} and {self.policy}: {self.story}, {self.fault or 'no fault'}"
        back_end = "iommufd" if self.policy == "qemu-iommufd" else "legacy"
        try:
            theirs = of_client(vfiosim, self.argv, self.story, back_end, self.fault)
            ours = of_policy(vfiosim, self.policy, self.story, self.fault)
        except (ValueError, subprocess.TimeoutExpired) as error:
            return False, what, error
        detail = "\n".join(["the client:", *theirs, "the policy:", *ours])
        return ours == theirs, f"{what}: {'; '.join(theirs[-3:])}", detail


def clients(folder):
    """(policy, label, command), and what is missing."""
    found, missing = [], []
    if shutil.which(PROGRAM):
        found.append(("qemu-legacy", "QEMU {}.{}".format(*newer_qemu.Unpacked(None).version()),
                      [PROGRAM]))
    else:
        missing.append(f"there is no {PROGRAM} here")
    try:
        newer = newer_qemu.find(folder)
        label = "QEMU {}.{}".format(*newer.version())
        if newer.folder:
            found.append(("qemu-legacy", label, newer.argv()))
        found.append(("qemu-iommufd", label, newer.argv()))
    except Missing as why:
        missing.append(str(why))
    if shutil.which("dpdk-testpmd"):
        found.append(("dpdk", "testpmd", ["dpdk-testpmd"]))
    else:
        missing.append("there is no dpdk-testpmd here")
    return found, missing


def main():
    """Command line."""
    if len(sys.argv) != 3:
        sys.exit("usage: policies.py VFIOSIM FOLDER")
    end_on_sigterm()
    report = Report()
    report.check(claimed(sys.argv[1]) == set(ROWS), "the policies say of themselves that they are "
                 f"compared here: {' '.join(ROWS)}", claimed(sys.argv[1]))
    found, missing = clients(sys.argv[2])
    rows = [Row(*each, *row) for each in found for row in ROWS[each[0]]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for equal, what, detail in pool.map(lambda row: row.compare(sys.argv[1]), rows):
            report.check(equal, what, detail)
    for why in missing:
        skip("policies", why)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
