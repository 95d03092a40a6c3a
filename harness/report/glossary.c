/* SPDX-License-Identifier: MIT */
/*
 * The glossary: one table for the glosses in stories, for pages and for `vfiosim explain`.
 * Rows of one word stand together; a word is looked for as it begins: "pin" is in "pinned".
 */
#include "report/words.h"

static const struct word glossary[] = {
	{ "group", "devices given out together, since the IOMMU cannot tell them apart; often one alone",
	  WORD_ANY,
	  "Two devices behind one bridge may look alike to the IOMMU, or reach each other without "
	  "passing it. Then neither can be given to a program alone, so VFIO gives out groups. A "
	  "group has a number and a node, /dev/vfio/NUMBER, and one program at a time may open it.",
	  "viable-sibling-bound" },
	{ "IOMMU", "hardware that translates each address a device uses into a place in memory",
	  WORD_ANY,
	  "It is to devices what the MMU is to programs. A device that a program controls can be told "
	  "to read and write anywhere; the IOMMU lets it reach only what the program has mapped for it.",
	  "map-before-iommu" },
	{ "iova", "I/O virtual address: an address as the devices see it", WORD_ANY,
	  "The program chooses it when it maps memory. A VMM uses the guest's own physical addresses, "
	  "so that a driver in the guest needs no change.", NULL },
	{ "container", "one space of iovas, shared by all devices in it: they reach what is mapped there",
	  WORD_LEGACY,
	  "An open /dev/vfio/vfio. A program puts groups into it (SET_CONTAINER), chooses an IOMMU "
	  "driver (SET_IOMMU), and maps memory (MAP_DMA). A group that joins later must be able to "
	  "reach all that is mapped already, or it is refused.", "mdev-hotadd" },
	{ "SET_CONTAINER", "the ioctl that puts a group into a container; SET_IOMMU starts it, MAP_DMA maps",
	  WORD_LEGACY,
	  "VFIO_GROUP_SET_CONTAINER: the first group of a container is followed by VFIO_SET_IOMMU, which "
	  "chooses the IOMMU driver; later groups join what is there. VFIO_IOMMU_MAP_DMA lets the "
	  "container's devices reach a stretch of the program's memory.", "set-container-twice" },
	{ "ATTACH_IOMMUFD_PT", "the ioctl that attaches a device; IOAS_ALLOC makes an ioas, IOAS_MAP maps",
	  WORD_IOMMUFD,
	  "VFIO_DEVICE_ATTACH_IOMMUFD_PT: the page table that it names is an ioas, for which the kernel "
	  "finds or makes a hwpt, or a hwpt that IOMMU_HWPT_ALLOC has made.", "hwpt-unattached" },
	{ "iommufd", "an open /dev/iommu: it holds address spaces, page tables and devices",
	  WORD_IOMMUFD,
	  "The newer interface. What a container hides is an object here, with an id: an ioas (the "
	  "mappings), a hwpt (a page table), a bound device, an access. All objects of an iommufd share "
	  "one series of ids, in order of creation: ioas 1, device 2, hwpt 3, ioas 4. Devices are bound "
	  "one by one.", "replace" },
	{ "ioas", "I/O address space: one space of iovas; mappings are made in it", WORD_IOMMUFD,
	  "Like a container, but one iommufd may have several, and a device can be moved from one to "
	  "another. A mapping is counted against the limit of the program that made it.", "mdev-hotadd" },
	{ "hwpt", "hardware page table: the IOMMU's, for physical devices; holds all that its ioas maps",
	  WORD_IOMMUFD,
	  "When a physical device is attached to an ioas the kernel makes one, or uses one that fits. "
	  "Everything mapped in the ioas is pinned and goes in; if one mapping cannot, the device is "
	  "refused.", "hwpt-unattached" },
	{ "access", "how an mdev joins an ioas: its driver asks for single pages when it needs them",
	  WORD_IOMMUFD,
	  "An access has no page table. A page that the driver asked for stays pinned until the driver "
	  "gives it back or the program unmaps it.", "access-pin" },
	{ "mdev", "a slice of a real device, whose driver reads and writes memory for it, without an IOMMU",
	  WORD_ANY,
	  "Mediated device: a driver divides its hardware, or invents it, and offers the parts to VFIO. "
	  "The kernel notes what is mapped for an mdev without looking at it, and looks when the "
	  "driver asks for a page. So a mapping no device could use is found late.", "mdev-hotadd" },
	{ "emulated", "a group without an IOMMU behind it: an mdev's", WORD_ANY,
	  "Such a group asks nothing of the space it joins. It is never refused for what is mapped "
	  "there.", "after-physical" },
	{ "domain", "the IOMMU's page table for a container; only physical devices need one",
	  WORD_LEGACY,
	  "The first physical device of a container brings a domain, and everything mapped before is "
	  "replayed into it. Devices behind the same kind of IOMMU share one; another IOMMU needs its "
	  "own.", "different-iommus" },
	{ "domain", "a page table inside the IOMMU; a hwpt stands for one", WORD_IOMMUFD, NULL, NULL },
	{ "pin", "keep pages (4 KiB) in place for devices. Each process has a limit; beyond it: ENOMEM",
	  WORD_ANY,
	  "A device does not wait for a page to come back from swap. So the kernel pins each page "
	  "before a device can reach it. A page that is not ordinary memory (a BAR whose driver "
	  "emulates it, a mapping that has ended) cannot be pinned: EFAULT.", "pin" },
	{ "replay", "a new domain receives every mapping that the space holds already", WORD_ANY,
	  "It happens when a physical device joins and no domain fits it. Each mapping is pinned, "
	  "charged and entered, in the order of iovas. The first that fails refuses the device, and "
	  "all that was done for it is undone.", "replay" },
	{ "BAR", "a window of a PCI device: registers or memory of its own", WORD_ANY,
	  "Base address register. A PCI device has up to six. A program maps a BAR with mmap() to drive "
	  "the device, and may map it for other devices too (peer-to-peer): by its address in a container, "
	  "in an ioas only by a descriptor (Linux 6.19, with CONFIG_VFIO_PCI_DMABUF).", "bar-map-efault" },
	{ "ROM", "memory of a PCI device with code for the firmware, to be run before a driver is there",
	  WORD_ANY, "Expansion ROM. The kernel looks for an image in it; without one VFIO shows none.",
	  "rom-without-image" },
	{ "region", "a part of a device that a program can read, write or map; region 0 is BAR 0",
	  WORD_ANY, "VFIO numbers them: 0 to 5 are BARs, 6 the ROM, 7 the config space.", "regions" },
	{ "peer-to-peer", "from one device straight to another's BAR, not through memory", WORD_ANY,
	  "A program can do without it: it leaves that BAR out of the space. It cannot leave out memory, "
	  "since a device may be told to use any of it.", "mdev-hotadd" },
	{ "reserved", "iovas the platform keeps, such as the window for interrupts: never mapped",
	  WORD_ANY,
	  "On x86 a write to 0xfee00000..0xfeefffff is an interrupt (MSI), whatever the page table "
	  "says. Firmware may keep others. They belong to a device, so they count from the moment it "
	  "joins.", "attach-reserved" },
	{ "aperture", "the range of iovas that the IOMMU can translate", WORD_ANY,
	  "39 or 48 bits are usual on x86. A space with several IOMMUs has what all of them can "
	  "translate.", "aperture-39bit" },
	{ "viable", "every device of the group belongs to VFIO, or to no driver", WORD_ANY,
	  "If one device of a group is still bound to the host's driver, a program with the other could "
	  "disturb it. Unbind it, or bind it to vfio-pci.", "viable-sibling-bound" },
	{ "dirty", "written by a device since it was last asked", WORD_ANY,
	  "A VMM that moves a running guest to another computer sends pages while devices still write "
	  "to them, and must know which to send again.", "dirty-tracking" },
	{ "locked", "memory that must stay in place; a process may lock only so much (RLIMIT_MEMLOCK)",
	  WORD_ANY,
	  "Pinned pages count. `ulimit -l` shows the limit. Beyond it the kernel refuses with ENOMEM. "
	  "With a container the limit of the process that calls counts: the one that maps, or the one "
	  "that attaches a device. With iommufd it is always that of the one who mapped, and all "
	  "processes of a user count together.", "memlock-map" },
	{ "policy", "how a program chooses the space for a device, and what it makes of a refusal",
	  WORD_ANY,
	  "QEMU tries each container it has, then a new one, and leaves out a BAR that cannot be "
	  "mapped. cloud-hypervisor has one container. `vfiosim case verbs` lists those known here.",
	  "mdev-hotadd" },
	{ "DMA", "a device reads or writes memory by itself", WORD_ANY,
	  "Direct memory access. No program looks at what the device does, so only what an IOMMU "
	  "translates, and a driver's care, keep it from the rest of memory.", "dma" },
	{ "vector", "one of the interrupts of a device; MSI and MSI-X give it several", WORD_ANY,
	  "VFIO_DEVICE_SET_IRQS connects each vector to an eventfd. VFIO_DEVICE_GET_IRQ_INFO tells how "
	  "many there are.", "interrupt-vectors" },
	{ "MSI", "message-signalled interrupt: a device raises it by a write to a special address", WORD_ANY,
	  "On x86 these addresses are 0xfee00000..0xfeefffff. The IOMMU does not translate them like "
	  "memory, so they are reserved: no program can map anything there.", "attach-reserved" },
	{ "FIFO", "the bytes that wait in a serial port; the first that came is read first", WORD_ANY,
	  "The sample mdev mtty is a serial port: its registers say whether the FIFO is used, and how many "
	  "bytes raise an interrupt.", "mtty" },
	{ "eventfd", "a descriptor that counts; a program waits on it, here for interrupts", WORD_ANY,
	  "See eventfd(2). The kernel adds one to it for each interrupt of the device.", "interrupts" },
	{ "hot reset", "a reset of a whole PCI bus, with every device on it", WORD_ANY,
	  "So the program must show that it has all of them: it names their groups, or all are bound "
	  "to one iommufd.", "hot-reset" },
	{ "virtual function", "a light device (VF) that a PCI device, its physical function (PF), offers", WORD_ANY,
	  "To programs it is a PCI device like another. Where a program drives the PF, whoever wants a VF "
	  "must know a token that the two agree on.", "device-names" },
	{ "VF", "virtual function: a light device that another, its PF, offers", WORD_ANY,
	  "Made by a write to sriov_numvfs; each has registers, interrupts and a group of its own.",
	  "device-names", true },
	{ "PF", "physical function: the device that offers virtual functions", WORD_ANY,
	  "Its driver can stop or watch all of its VFs, so a program with a VF must trust it.",
	  "device-names", true },
	{ "token", "a UUID that programs with a PF and its VFs agree on", WORD_ANY,
	  "It is given with the device's name: VFIO_GROUP_GET_DEVICE_FD takes \"ADDRESS vf_token=UUID\".",
	  "device-names", true },
	{ "PASID", "a number by which one device tells several address spaces apart", WORD_ANY,
	  "Process address space id. 0, or none, is the device itself. Few devices have more.", "pasid" },
	{ "RMRR", "memory that firmware says a device must reach at the same iova", WORD_ANY,
	  "Reserved memory region reporting, of Intel's firmware tables: a direct (1:1) reserved region.",
	  "direct" },
	{ "relaxable", "a 1:1 region that matters only until a driver takes the device", WORD_ANY,
	  "Firmware uses it for a keyboard or a display before the system runs.", "relaxable" },
	{ "interrupt remapping", "the IOMMU checks interrupts, so that a device cannot forge another's", WORD_ANY,
	  "Without it a group is refused, unless the administrator sets allow_unsafe_interrupts.",
	  "set-iommu-eperm" },
	{ "huge page", "a page of 2 MiB or 1 GiB: fewer entries in page tables", WORD_ANY,
	  "An IOMMU may use one where a mapping, its iova and the memory behind it allow.", "huge-pages" },
	{ "sysfs", "files below /sys by which an administrator sees and changes drivers and devices", WORD_ANY,
	  "Binding a device to vfio-pci is a write to its driver's file bind.", "bind" },
	{ "identity", "a kind of domain: iova and address in memory are the same", WORD_ANY,
	  "The host's drivers may run with one. VFIO never uses it: its domains hold what was mapped.",
	  "group-type", true },
	{ "nesting", "the guest has page tables of its own, below those of the program", WORD_ANY,
	  "The IOMMU then translates twice. The simulated machine has no hardware for it.", "nesting", true },
	/* For who looks them up. */
	{ "VFIO", "the part of Linux that lets ordinary programs drive devices, safely", WORD_ANY,
	  "A virtual machine monitor uses it to hand a device to a guest, DPDK and SPDK to drive it "
	  "without the kernel. Safe means: the device reaches only memory that the program has mapped "
	  "for it.", "map-before-iommu", true },
	{ "type1", "the IOMMU driver that containers use on x86 and arm64", WORD_ANY,
	  "SET_IOMMU names it. Version 2 (VFIO_TYPE1v2_IOMMU) refuses an unmap that would cut a mapping "
	  "in two; version 1 unmaps all of it, or nothing, and calls that success.", "set-iommu-types", true },
	{ "cdev", "a device's own node, /dev/vfio/devices/vfioN, for use with an iommufd", WORD_ANY,
	  "The program opens it, binds it to an iommufd, and attaches it to an ioas. Groups have no part "
	  "in it, but whoever shares a group must share the iommufd.", "group-or-cdev", true },
	{ "mapping", "a stretch of iovas and the memory that devices find there", WORD_ANY,
	  "Made by MAP_DMA or IOAS_MAP. In a space with a physical device it is pinned, charged and "
	  "entered at once, or refused. Without one it is only noted.", "map-arguments", true },
	{ "space", "a container or an ioas: what the devices in it can reach", WORD_ANY,
	  "Devices in one space see the same memory at the same addresses. A program uses a second one "
	  "where a device cannot live with what the first holds.", "mdev-hotadd", true },
	{ "hot-add", "a device is plugged in while the program, or its guest, is running", WORD_ANY,
	  "What was mapped for the others is there already, so it meets all of it at once.",
	  "hotadd-and-removal", true },
	{ "noiommu", "VFIO without an IOMMU: the device can reach all memory", WORD_ANY,
	  "For computers that have none. It needs CAP_SYS_RAWIO, and the kernel is marked as tainted.",
	  "noiommu", true },
	{ "VMM", "virtual machine monitor: the program that runs a guest, such as QEMU", WORD_ANY,
	  "To the kernel it is a program like any other. What the guest calls memory is memory of this "
	  "program, and it is this program that maps, attaches and is refused.", NULL, true },
	{ "fault", "a failure that vfiosim is told to make happen, where the kernel could fail too",
	  WORD_ANY,
	  "`vfiosim run --fault MAP_DMA,when=3,error=ENOMEM -- PROGRAM` lets the third mapping of PROGRAM "
	  "fail. `vfiosim explain --list sites` names the places.", "injected-map", true },
};

/* What was explained is kept as a bit each, in stories, pages and the tour. */
_Static_assert(sizeof(glossary) / sizeof(glossary[0]) <= 64, "more words than bits");

const struct word *word_at(size_t index)
{
	return index < sizeof(glossary) / sizeof(glossary[0]) ? &glossary[index] : NULL;
}
