/* SPDX-License-Identifier: MIT */
/*
 * A play on this computer: devices that the user names, what the case requires of the
 * kernel, and the way back.
 *
 *	host_begin -> the play -> host_end
 *
 * What a case's `params` say is in force during the play, or the play is skipped.
 * Module parameters and devices are the computer's own: they are touched only where the
 * user allows sysfs to be written, and put back by host_end().
 */
#ifndef HARNESS_CASE_HOST_H
#define HARNESS_CASE_HOST_H

#include <limits.h>

#include "case/job.h"

/* Parameters of modules. */
enum host_parameter {
	HOST_NOIOMMU,
	HOST_UNSAFE_INTERRUPTS,
	HOST_IOMMUFD_UNSAFE_INTERRUPTS,
	HOST_ENTRY_LIMIT,
	HOST_HUGEPAGES,
	HOST_IDLE_D3,
	HOST_INTX_MASK,
	HOST_PARAMETERS
};

/* Where a device was before the play. */
struct host_device {
	const struct target_device *device;
	char driver[64];		/* "": none */
	char override[64];		/* driver_override; "(null)": none */
	char type[PATH_MAX];		/* an mdev's type, as a folder of sysfs */
};

struct host {
	const struct job_options *options;
	char before[HOST_PARAMETERS][32];	/* "": this kernel has no such parameter */
	struct target_device devices[JOB_DEVICES_MAX];	/* of the options, with the groups they are in now */
	struct host_device noted[JOB_DEVICES_MAX];
	size_t n_noted;
	uint64_t memlock;		/* of each process; LIMIT_UNLIMITED: its own */
	char why[200];			/* why the play cannot be made here */
};

/* False: the play is skipped, *@host says why, and nothing is changed. */
bool host_begin(const struct play *play, const struct job_options *options, struct host *host);
/* What cannot be put back is told on stderr. */
void host_end(struct host *host);

/* Is it a file of sysfs that host_end() puts back? */
bool host_puts_back(const char *path);

/*
 * "nic0=0000:01:00.0": a device of this computer, its group and node found in sysfs.
 * -EINVAL: not of that form; -ENOENT: no such device; -ENODEV: it has no group.
 */
int host_device(const char *text, struct target_device *ret_device);

#endif
