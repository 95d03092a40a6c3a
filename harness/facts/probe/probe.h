/* SPDX-License-Identifier: MIT */
/*
 * The facts probe: an ordinary VFIO program that asks the kernel (or whatever
 * stands at /dev/vfio) several hundred questions and prints one line for each:
 *
 *	case/name: RESULT ERRNO|ok [extra]
 *
 * ../legacy.txt and ../iommufd.txt hold what Linux 7.2 answered, ../compare.awk tells
 * the two apart.
 * It knows nothing of the simulator, only the numbers of one machine (machine
 * below), so it runs on real hardware of that shape as well.
 *
 * Each case runs in a process of its own and starts with nothing open. A case is
 * one function in one of the files beside this one; probe.c has their table.
 */
#ifndef FACTS_PROBE_H
#define FACTS_PROBE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#ifdef __clang__
/* A header with its data behind it is how VFIO passes every list. */
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif

#define PAGE 4096ul
#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
/* A file descriptor as a result: 0 for any that could be had. */
#define AS_RESULT(fd) ((fd) < 0 ? -1 : 0)

/* The cdev commands of <linux/vfio.h> 6.6, with what follows argsz and flags. */
#define BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
struct cdev_arg {
	uint32_t argsz, flags;
	int32_t iommufd;	/* ATTACH: pt_id */
	uint32_t devid;
};

/* ---- The machine ------------------------------------------------------- */

struct place {
	const char *label;	/* as the lines call it: A, T0 */
	const char *name;	/* what VFIO_GROUP_GET_DEVICE_FD wants */
	int group;
	int cdev;
};
extern const struct place A, B, N, M0, M1, E0, T0, T1, D0;

/* ---- Lines (probe.c) --------------------------------------------------- */

/* The line of one call. A negative @ret is told by errno. */
void say(long ret, const char *name, ...) __attribute__((format(printf, 2, 3)));
/* The same with "[@extra]" at its end. */
void say_extra(const char *extra, long ret, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* A line that is not about one call. */
void note(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* ---- Calls (calls.c): what the call returned, errno with it ------------- */

int container_open(void);
int group_open(const struct place *at);
int group_set(int group, int container);
int group_unset(int group);
int group_status(int group);		/* its flags, or -1 */
int device_fd(int group, const struct place *at);
int cdev_open(const struct place *at);

int map_flags(int container, uint64_t iova, uint64_t size, const void *vaddr, uint32_t flags);
int map(int container, uint64_t iova, uint64_t size, const void *vaddr);	/* RW */
int unmap_flags(int container, uint64_t iova, uint64_t *size, uint32_t flags);
int unmap_all(int container, uint64_t *size);

/* A container of type @type that holds @at's group. Ends the case if it cannot be had. */
struct space {
	int container;
	int group;
};
struct space space_open(const struct place *at, unsigned long type);
void space_close(struct space *space);

/* The line of VFIO_IOMMU_GET_INFO, capabilities decoded. */
void say_info(int container, const char *name, ...) __attribute__((format(printf, 2, 3)));
/* The line of VFIO_IOMMU_UNMAP_DMA with the size it left behind. */
void say_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags, const char *name, ...)
	__attribute__((format(printf, 5, 6)));
/* The lines of VFIO_CHECK_EXTENSION 0..20. */
void say_extensions(int container, const char *state);

/* @pages of fresh memory, touched. */
void *memory(unsigned long pages);
/* An address where nothing is mapped, with room for @pages. */
void *nowhere(unsigned long pages);

/* Runs @body in a child and waits for it. */
void in_child(void (*body)(void *), void *arg);
/* Writes @text to a file of sysfs or procfs: bytes written, or -1. */
int write_text(const char *path, const char *text);

/* ---- Cases ------------------------------------------------------------- */

void case_container(void);
void case_group(void);
void case_close_order(void);
void case_map_args(void);
void case_limits(void);
void case_unmap_args(void);
void case_info(void);
void case_mdev(void);
void case_mdev_after(void);
void case_replay(void);
void case_replay_setiommu(void);
void case_dirty(void);
void case_device(void);
void case_forks(void);
void case_viability(void);
void case_edges(void);
void case_callers(void);

/* The second half of case_forks, in the program that exec() started. */
void forks_after_exec(int container, int group);
/* The SET_IRQS lines of case_device (irqs.c). */
void say_irqs(const struct place *at, int device);

#endif
