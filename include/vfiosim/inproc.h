/* SPDX-License-Identifier: MIT */
/*
 * Clients in this process: an address space made of tables, a descriptor table,
 * eventfds as counters. For cases, unit tests, fuzzing and benchmarks.
 *
 * Addresses are handed out in order from the same start in every client, so that
 * traces repeat byte for byte. Memory is backed when first touched; a terabyte
 * that nobody touches costs one table row.
 *
 * Threads: one thread at a time per inproc client.
 */
#ifndef VFIOSIM_INPROC_H
#define VFIOSIM_INPROC_H

#include <vfiosim/vfiosim.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim_inproc;

/* A process. -ENOMEM. Limits start as: memlock unlimited, all capabilities. */
int vfiosim_inproc_create(struct vfiosim *sim, struct vfiosim_inproc **ret_proc);
/* Exit: closes every descriptor, drops the memory. NULL is allowed. */
void vfiosim_inproc_destroy(struct vfiosim_inproc *proc);
/* fork(): shares the open files, copies the memory's layout and contents. */
int vfiosim_inproc_fork(struct vfiosim_inproc *proc, struct vfiosim_inproc **ret_child);
/* exec(): drops the memory, closes what is close-on-exec; a new client in the same process. */
int vfiosim_inproc_exec(struct vfiosim_inproc *proc);

void vfiosim_inproc_set_limits(struct vfiosim_inproc *proc, const struct vfiosim_limits *limits);
struct vfiosim_client *vfiosim_inproc_client(struct vfiosim_inproc *proc);

/* What the kernel's calls of these names return: descriptors or negative errnos. */
int vfiosim_inproc_open(struct vfiosim_inproc *proc, const char *path);	/* "/dev/vfio/vfio", "/dev/vfio/10" */
int vfiosim_inproc_close(struct vfiosim_inproc *proc, int fd);
int vfiosim_inproc_dup(struct vfiosim_inproc *proc, int fd);
/* SCM_RIGHTS: @to, of the same machine, gets a descriptor of what @fd of @proc is; its number. */
int vfiosim_inproc_send(struct vfiosim_inproc *proc, int fd, struct vfiosim_inproc *to);
/* @arg is a number or an address of the client: see vfiosim_inproc_ioctl_struct(). */
long vfiosim_inproc_ioctl(struct vfiosim_inproc *proc, int fd, uint32_t cmd, uint64_t arg);
/* The usual case: @data stands in the client's memory during the call and is copied back. */
long vfiosim_inproc_ioctl_struct(struct vfiosim_inproc *proc, int fd, uint32_t cmd, void *data,
				 size_t size);
ssize_t vfiosim_inproc_pread(struct vfiosim_inproc *proc, int fd, void *to, size_t length,
			     uint64_t offset);
ssize_t vfiosim_inproc_pwrite(struct vfiosim_inproc *proc, int fd, const void *from,
			      size_t length, uint64_t offset);
/* A memfd of @size bytes, all 0: for IOMMU_IOAS_MAP_FILE; pread and pwrite move its bytes. */
int vfiosim_inproc_memfd(struct vfiosim_inproc *proc, uint64_t size);
/* From now on nobody can write to the memfd (F_SEAL_WRITE). -EBADF; -EINVAL: it is no memfd. */
int vfiosim_inproc_seal(struct vfiosim_inproc *proc, int fd);
int vfiosim_inproc_eventfd(struct vfiosim_inproc *proc);
/* Reads and clears an eventfd's counter; 0 when nothing was signalled; -EBADF. */
int64_t vfiosim_inproc_event_read(struct vfiosim_inproc *proc, int fd);

/*
 * One write of the whole @text into a file of sysfs, "/sys/bus/pci/drivers/vfio-pci/unbind".
 * The length; -ENOENT; -ELOOP; -EACCES; what the file's owner answers.
 * -EINPROGRESS: the kernel would keep the writer waiting (unbind of an open device), and
 * does what was asked as soon as the last device file is closed. Write the same again then:
 * that is no second write, but tells how the first one ended. After any other write it is one.
 */
ssize_t vfiosim_inproc_write_file(struct vfiosim_inproc *proc, const char *path, const char *text);

/* Memory. Addresses and lengths are whole pages. */
#define VFIOSIM_PROT_READ 1u
#define VFIOSIM_PROT_WRITE 2u
/* Memory of @kind (not REGION). -ENOMEM, -EINVAL. */
int vfiosim_inproc_mmap(struct vfiosim_inproc *proc, uint64_t length, unsigned prot,
			enum vfiosim_vma_kind kind, uint64_t *ret_uva);
/* A region of a device file. What vfiosim_mmap() answers. */
int vfiosim_inproc_mmap_fd(struct vfiosim_inproc *proc, int fd, uint64_t offset, uint64_t length,
			   uint64_t *ret_uva);
int vfiosim_inproc_mprotect(struct vfiosim_inproc *proc, uint64_t uva, uint64_t length, unsigned prot);
int vfiosim_inproc_munmap(struct vfiosim_inproc *proc, uint64_t uva, uint64_t length);
/* The program's own loads and stores. -EFAULT. */
int vfiosim_inproc_peek(struct vfiosim_inproc *proc, uint64_t uva, void *to, size_t length);
int vfiosim_inproc_poke(struct vfiosim_inproc *proc, uint64_t uva, const void *from, size_t length);

#ifdef __cplusplus
}
#endif

#endif
