# SPDX-License-Identifier: MIT
"""The two ways QEMU reaches VFIO, so that one story can be told over both.

Each says what QEMU has to be told, and finds in the state and the trace what the
story asks about: the spaces of addresses that devices share, and what was refused.
"""

from typing import NamedTuple


class Space(NamedTuple):
    """One space of addresses: a container, or an ioas."""
    name: str
    devices: set        # addresses of the devices in it
    mappings: dict      # {(first, last): the state's mapping}

    def pinned(self):
        """The mappings whose pages are pinned."""
        return {span for span, mapping in self.mappings.items() if mapping["pinned"]}


def spans(mappings):
    """A list of mappings of the state, by first and last address."""
    return {(int(m["first"], 16), int(m["last"], 16)): m for m in mappings}


class BackEnd:
    """What both have."""

    def __init__(self, machine):
        self.machine = machine

    def spaces(self):
        """All of them, oldest first."""
        raise NotImplementedError

    def space_of(self, device):
        """The one `device` is in, or None."""
        return next((s for s in self.spaces() if device in s.devices), None)

    def addresses_of(self, group):
        """The devices of a group."""
        groups = self.machine.state()["groups"]
        return {a for g in groups if g["number"] == group for a in g["devices"]}


class Legacy(BackEnd):
    """Groups in containers."""

    noun = "container"
    qemu_options = []
    device_properties = {}

    def spaces(self):
        return [Space(f"container {c['number']}",
                      {a for g in c["groups"] for a in self.addresses_of(g)},
                      spans(c.get("mappings", [])))
                for c in self.machine.containers()]

    def attach_refusals(self, device):
        """Where `device` was not taken in."""
        return [e for e in self.machine.refusals("VFIO_GROUP_SET_CONTAINER")
                if device in self.addresses_of(int(e["object"].split()[1]))]

    def map_refusals(self, space):
        """What could not be mapped in `space`."""
        return [e for e in self.machine.refusals("VFIO_IOMMU_MAP_DMA")
                if e["object"] == space.name]


class Iommufd(BackEnd):
    """Devices bound to an iommufd and attached to its ioas."""

    noun = "ioas"
    qemu_options = ["-object", "iommufd,id=iommufd0"]
    device_properties = {"iommufd": "iommufd0"}

    def spaces(self):
        return [Space(f"iommufd {i['number']}, ioas {o['id']}", self._attached(i, o["id"]),
                      spans(o["mappings"]))
                for i in self.machine.state()["iommufds"]
                for o in i["objects"] if o["type"] == "ioas"]

    @staticmethod
    def _attached(iommufd, ioas):
        """An mdev is an access of the ioas itself, a physical device uses a hwpt of it."""
        hwpts = {o["id"] for o in iommufd["objects"] if o["type"] == "hwpt" and o["ioas"] == ioas}
        return {o["device"] for o in iommufd["objects"]
                if o["type"] == "access" and o.get("ioas") == ioas
                or o["type"] == "device" and o.get("hwpt") in hwpts}

    def attach_refusals(self, device):
        """Where `device` was not taken in."""
        return [e for e in self.machine.refusals("IOMMU_HWPT_ALLOC",
                                                 "VFIO_DEVICE_ATTACH_IOMMUFD_PT")
                if e["verb"] == "IOMMU_HWPT_ALLOC" or e["object"] == f"device {device}"]

    def map_refusals(self, space):
        """What could not be mapped in `space`."""
        ioas = int(space.name.rsplit(maxsplit=1)[1])
        return [e for e in self.machine.refusals("IOMMU_IOAS_MAP")
                if int(e["args"]["ioas_id"]) == ioas]


BACK_ENDS = {"legacy": Legacy, "iommufd": Iommufd}
