/* SPDX-License-Identifier: MIT */
/*
 * For tests of the FUSE front: a served machine in namespaces of the test's own.
 *
 * Each test is a process (CK_FORK): rig_start() moves it into a private mount
 * namespace, as root or as an ordinary user in a user namespace, mounts both
 * connections below /mnt and forks the server. The test then is a client. Nothing
 * has to be cleaned up: namespaces and server end with the test.
 */
#ifndef SIM_FRONT_FUSE_FUSE_RIG_TEST_H
#define SIM_FRONT_FUSE_FUSE_RIG_TEST_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vfiosim/fuse.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"

#define RIG_NODES "/mnt/nodes"
#define RIG_DEVICES "/mnt/devices"
#define RIG_CUT 7	/* the server's status after it ended the run for a stuck client */
#define RIG_VFIO RIG_NODES "/dev/vfio/"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum rig_user {
	RIG_ROOT,
	RIG_ORDINARY,
	RIG_USERS,
	RIG_OLD = RIG_USERS,	/* an ordinary user, served as below Linux 6.6 */
	RIG_ALL
};

struct rig {
	pid_t server;
	int socket;		/* to the server */
	uid_t uid;
};

static inline bool rig_skip(const char *why)
{
	test_skip(tcase_name(), why);
	return false;
}

static inline void rig_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		      "cannot write '%s' to %s: %s", text, path, strerror(errno));
	close(fd);
}

/*
 * From root to an ordinary user who may open /dev/fuse: where the machine's node is
 * for root only, a node of our own stands over it in our own mount namespace.
 */
static inline void rig_become_ordinary(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"), 0);
	ck_assert_int_eq(mknod("/mnt/fuse", S_IFCHR | 0666, makedev(10, 229)), 0);
	ck_assert_int_eq(chmod("/mnt/fuse", 0666), 0);
	ck_assert_int_eq(mount("/mnt/fuse", "/dev/fuse", NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(setgid(65534), 0);
	ck_assert_int_eq(setuid(65534), 0);
	prctl(PR_SET_DUMPABLE, 1);
}

/* False: not possible here, said why. */
static inline bool rig_enter(enum rig_user user)
{
	char map[64];
	uid_t uid;
	gid_t gid;

	if (user == RIG_ROOT && geteuid())
		return rig_skip("needs root");
	if (user == RIG_ORDINARY && !geteuid())
		rig_become_ordinary();
	uid = getuid();
	gid = getgid();
	if (user == RIG_ORDINARY) {
		if (access("/dev/fuse", R_OK | W_OK))
			return rig_skip("/dev/fuse is not for ordinary users here");
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return rig_skip(errno == EINVAL ?
						"no user namespace for a process with threads" :
						"ordinary users get no namespaces here");
		rig_write("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
		rig_write("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
		rig_write("/proc/self/gid_map", map);
	} else if (unshare(CLONE_NEWNS)) {
		return rig_skip("no mount namespaces here");
	}
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"))
		return rig_skip("mounting is not allowed here");
	mkdir(RIG_NODES, 0755);
	mkdir(RIG_DEVICES, 0755);
	return true;
}

static inline int rig_mount(const char *path)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[160];

	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,default_permissions", fd,
		 getuid(), getgid());
	if (mount("vfiosim", path, "fuse.vfiosim", MS_NOSUID | MS_NODEV, options))
		return -errno;
	return fd;
}

/* ---- The server ---- */

struct rig_supervise {
	struct vfiosim_fuse *fuse;
	int socket;
};

/* Takes a listener whenever one is sent, and serves it. */
static inline void *rig_supervise(void *arg)
{
	struct rig_supervise *supervise = arg;
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int listener;

	if (recvmsg(supervise->socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return NULL;
	header = CMSG_FIRSTHDR(&message);
	if (!header)
		return NULL;
	memcpy(&listener, CMSG_DATA(header), sizeof(listener));
	vfiosim_fuse_supervise(supervise->fuse, listener);
	close(listener);
	return NULL;
}

/* There with the address sanitizer only; looks for leaks now, since _exit() does not. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static struct vfiosim_fuse *rig_served;	/* for the handler only */

static inline void rig_on_term(int signal)
{
	vfiosim_fuse_stop(rig_served);
}

static inline int rig_failed(const char *why, int status)
{
	fprintf(stderr, "server: %s\n", why);
	return status;
}

static const char *const *rig_faults;	/* of the machine, ended by NULL; NULL: none */

static inline int rig_add_faults(struct vfiosim_topology *topology)
{
	char problem[200];
	int ret = 0;

	for (const char *const *text = rig_faults; !ret && text && *text; text++)
		ret = vfiosim_topology_add_fault(topology, *text, problem, sizeof(problem));
	return ret;
}

static inline int rig_serve(const struct vfiosim_fuse_options *options, const char *topology_name,
			    int socket)
{
	struct vfiosim_topology *topology;
	struct vfiosim_errors error;
	struct rig_supervise supervise = { .socket = socket };
	struct vfiosim *sim;
	pthread_t thread;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vfiosim_topology_load(topology_name, &topology, &error) ||
	    rig_add_faults(topology) || vfiosim_create(topology, &sim))
		return rig_failed("the machine cannot be made", 3);
	status = vfiosim_fuse_create(sim, options, &supervise.fuse);
	if (status)
		return rig_failed(strerror(-status), 4);
	rig_served = supervise.fuse;
	signal(SIGTERM, rig_on_term);
	pthread_create(&thread, NULL, rig_supervise, &supervise);
	status = vfiosim_fuse_serve(supervise.fuse);
	if (status == -ECANCELED)
		return RIG_CUT;
	status = status ? 5 : 0;
	shutdown(socket, SHUT_RDWR);
	pthread_join(thread, NULL);
	vfiosim_fuse_destroy(supervise.fuse);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
	if (!status && !geteuid() && __lsan_do_recoverable_leak_check)
		status = __lsan_do_recoverable_leak_check() ? 6 : 0;
	return status;
}

/* False: not possible here, said why. */
static inline bool rig_start(struct rig *rig, enum rig_user user, const char *topology)
{
	struct vfiosim_fuse_options options = { .nodes_path = RIG_NODES,
						.devices_path = RIG_DEVICES,
						.old_kernel = user == RIG_OLD };
	int sockets[2];

	if (no_listener())
		return rig_skip(no_listener());
	if (user == RIG_OLD)
		user = RIG_ORDINARY;
	if (!rig_enter(user))
		return false;
	options.nodes_fd = rig_mount(RIG_NODES);
	options.devices_fd = rig_mount(RIG_DEVICES);
	if (options.nodes_fd == -EPERM || options.nodes_fd == -EACCES)
		return rig_skip("mounting FUSE is not allowed here");
	ck_assert_int_ge(options.nodes_fd, 0);
	ck_assert_int_ge(options.devices_fd, 0);
	rig->uid = options.uid = getuid();
	options.gid = getgid();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	rig->server = test_fork();
	ck_assert_int_ge(rig->server, 0);
	if (!rig->server) {
		close(sockets[1]);
		_exit(rig_serve(&options, topology, sockets[0]));
	}
	close(options.nodes_fd);
	close(options.devices_fd);
	close(sockets[0]);
	rig->socket = sockets[1];
	return true;
}

static inline void rig_stopped(struct rig *rig)
{
	int status;

	ck_assert_int_eq(waitpid(rig->server, &status, 0), rig->server);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "the server ended with 0x%x",
		      (unsigned)status);
}

/* The server is told to stop, whatever is open, and frees everything. */
static inline void rig_stop(struct rig *rig)
{
	kill(rig->server, SIGTERM);
	rig_stopped(rig);
}

/* The server stops by itself once both are unmounted. */
static inline void rig_unmount(struct rig *rig)
{
	ck_assert_int_eq(umount2(RIG_NODES, 0), 0);
	ck_assert_int_eq(umount2(RIG_DEVICES, 0), 0);
	rig_stopped(rig);
}

/* ---- The client ---- */

/* From now on this process' commands that return a descriptor are supervised. */
static inline void rig_supervised(struct rig *rig)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VFIO_GROUP_GET_DEVICE_FD, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x3b8e, 1, 0),	/* IOMMU_FAULT_QUEUE_ALLOC */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4018aee1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int listener;

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER |
					SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
				&program);
	if (listener < 0 && errno == EINVAL)
		listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	ck_assert_int_ge(listener, 0);
	*header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				    .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(header), &listener, sizeof(listener));
	ck_assert_int_eq(sendmsg(rig->socket, &message, 0), 1);
	close(listener);
}

/* Runs @body in a child; its exit status, 128 + signal if it was killed. */
static inline int rig_child(int (*body)(void *arg), void *arg)
{
	pid_t child = test_fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (!child)
		_exit(body(arg));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int rig_open(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), RIG_VFIO "%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What ioctl() returns, or a negative errno. */
static inline int rig_ioctl(int fd, unsigned long command, void *arg)
{
	int result = ioctl(fd, command, arg);

	return result < 0 ? -errno : result;
}

/* A file below the nodes' mount as text; "" when it cannot be read. */
static inline const char *rig_text(const char *name, char *to, size_t size)
{
	char path[256];
	ssize_t length;
	int fd;

	to[0] = 0;
	snprintf(path, sizeof(path), RIG_NODES "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return to;
	length = read(fd, to, size - 1);
	to[length > 0 ? length : 0] = 0;
	close(fd);
	return to;
}

/* One write to a file below the nodes' mount: what write() returns, or a negative errno. */
static inline int rig_store(const char *name, const char *text)
{
	char path[256];
	int fd, result;

	snprintf(path, sizeof(path), RIG_NODES "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = (int)write(fd, text, strlen(text));
	if (result < 0)
		result = -errno;
	close(fd);
	return result;
}

/* A container with group @name and type1 v2. */
static inline void rig_attach(const char *name, int *ret_container, int *ret_group)
{
	*ret_container = rig_open("vfio");
	*ret_group = rig_open(name);
	ck_assert_int_ge(*ret_container, 0);
	ck_assert_int_ge(*ret_group, 0);
	ck_assert_int_eq(rig_ioctl(*ret_group, VFIO_GROUP_SET_CONTAINER, ret_container), 0);
	ck_assert_int_eq(ioctl(*ret_container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
}

static inline int rig_map(int container, void *at, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = size,
	};

	return rig_ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

static inline int rig_unmap(int container, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova,
						    .size = size };

	return rig_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

/* What VFIO_GROUP_GET_DEVICE_FD returns. */
static inline int rig_device(int group, const char *address)
{
	return rig_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)address);
}

static inline void *rig_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

#endif
