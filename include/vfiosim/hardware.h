/* SPDX-License-Identifier: MIT */
/*
 * What happens to a machine's devices without any client asking for it: what an
 * administrator, or whoever stands before the machine, does.
 *
 * A device is named as the topology names it, or by its address. Each act is an event of
 * the trace, with the thread @tid that wanted it (0: unknown).
 *
 * Threads: any, with no lock of a front held.
 */
#ifndef VFIOSIM_HARDWARE_H
#define VFIOSIM_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim;

/*
 * Pulls a device out, and what is below it if it is a bridge. As a write to its `remove`
 * in sysfs does, Linux asks whoever has it open for it (the REQ interrupt), lets nobody
 * else open it, and waits for the last descriptor to be closed.
 *
 * 0: it is gone. -EINPROGRESS: it is open; it goes with its last descriptor. -ENODEV:
 * there is no such device.
 */
int vfiosim_unplug(struct vfiosim *sim, uint32_t tid, const char *device);
/*
 * Puts one back that was removed, with the driver that the topology names, and the bridges
 * above it. -EEXIST: it is there, or an mdev that was created at run time has its UUID.
 * -ENOSPC: other mdevs have taken its room. -EINPROGRESS: it still waits to be gone. -ENODEV:
 * there never was such a device.
 */
int vfiosim_plug(struct vfiosim *sim, uint32_t tid, const char *device);

/*
 * The vendor driver of an mdev pins whole pages of what its user has mapped, as one does
 * before its device uses them: all or none. It keeps them until it is told otherwise, they
 * are unmapped, or the device is reset or closed. @write: for reading and writing, else for
 * reading.
 *
 * 0; what vfio_pin_pages() answers, such as -EINVAL: nothing is mapped there, -EFAULT, -EPERM,
 * -ENOMEM, and why in @reason; -EOPNOTSUPP: not an mdev whose driver pins; -ENXIO: nobody has
 * it open; -ENOSPC: more than 4096 ranges or 1 GiB; -ENODEV.
 */
int vfiosim_pin(struct vfiosim *sim, uint32_t tid, const char *device, uint64_t iova,
		uint64_t length, bool write, char *reason, size_t size);
/*
 * It lets go of each range that touches these pages, whole. The number of pages; -ENOENT:
 * it had none there; -EOPNOTSUPP, -ENODEV, -EINVAL as above.
 */
int64_t vfiosim_unpin(struct vfiosim *sim, uint32_t tid, const char *device, uint64_t iova,
		      uint64_t length);

#ifdef __cplusplus
}
#endif

#endif
