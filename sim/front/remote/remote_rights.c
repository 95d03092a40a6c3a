/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: opening a file with the rights of a calling thread.
 *
 * What file systems look at (user, group, further groups, capabilities) belongs to a
 * thread of ours, not to the process. So a thread is made that takes over the caller's,
 * opens the file, and ends: there is nothing to give back. It gives up rights and gains
 * none, since capabilities that the caller has and we have not are left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/list.h"
#include "front/remote/remote.h"

/* What a file system would look at. */
struct rights {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	uint64_t capabilities;
};

/* ---- Whose ---- */

/* -ENOMEM */
static int add_groups(struct rights *rights, const char *text)
{
	char *end;

	for (unsigned long group = strtoul(text, &end, 10); end != text;
	     group = strtoul(text, &end, 10)) {
		if (!list_room(&rights->groups, rights->n_groups, sizeof(*rights->groups), NULL))
			return -ENOMEM;
		rights->groups[rights->n_groups++] = (gid_t)group;
		text = end;
	}
	return 0;
}

/* One line of /proc/TID/status. The last of four ids is the file systems'. */
static int read_line(struct rights *rights, const char *line, unsigned *found)
{
	if (sscanf(line, "Uid: %*u %*u %*u %u", &rights->uid) == 1 ||
	    sscanf(line, "Gid: %*u %*u %*u %u", &rights->gid) == 1 ||
	    sscanf(line, "CapEff: %lx", &rights->capabilities) == 1)
		++*found;
	return strncmp(line, "Groups:", 7) ? 0 : add_groups(rights, line + 7);
}

/* Do capabilities of the thread count for what ours count for? */
static bool in_our_user_ns(pid_t tid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)tid);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* -ESRCH, -ENOMEM. */
static int rights_init(struct rights *rights, pid_t tid)
{
	char path[64], *line = NULL;
	size_t capacity = 0;
	unsigned found = 0;
	int error = 0;
	FILE *status;

	*rights = (struct rights){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	status = fopen(path, "re");
	if (!status)
		return -ESRCH;
	while (!error && getline(&line, &capacity, status) > 0)
		error = read_line(rights, line, &found);
	free(line);
	fclose(status);
	if (!in_our_user_ns(tid))
		rights->capabilities = 0;
	return !error && found != 3 ? -ESRCH : error;
}

static void rights_done(struct rights *rights)
{
	free(rights->groups);
}

/* ---- Taking them over: this thread's alone, hence no function of libc's ---- */

static bool has_groups(const struct rights *rights)
{
	gid_t *ours = calloc(rights->n_groups + 1, sizeof(*ours));
	bool same = ours && getgroups((int)rights->n_groups + 1, ours) == (int)rights->n_groups &&
		    !memcmp(ours, rights->groups, rights->n_groups * sizeof(*ours));

	free(ours);
	return same;
}

static bool limit_capabilities(uint64_t to)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective &= (uint32_t)to;
	data[1].effective &= (uint32_t)(to >> 32);
	return !syscall(SYS_capset, &header, data);
}

/* Capabilities last: the others want some. Where an id cannot be had, setfs*id() keep silent. */
static bool rights_take(const struct rights *rights)
{
	if (rights->n_groups ? !has_groups(rights) : getgroups(0, NULL) != 0)
		if (syscall(SYS_setgroups, rights->n_groups, rights->groups))
			return false;
	setfsgid(rights->gid);
	setfsuid(rights->uid);
	return setfsgid((gid_t)-1) == (int)rights->gid && setfsuid((uid_t)-1) == (int)rights->uid &&
	       limit_capabilities(rights->capabilities);
}

/* ---- Opening ---- */

struct opening {
	const struct rights *rights;
	const char *path;
	int flags;
	int result;
};

static void *open_with_rights(void *arg)
{
	struct opening *opening = arg;

	opening->result = -EACCES;
	if (!rights_take(opening->rights))
		return NULL;
	opening->result = open(opening->path, opening->flags);
	if (opening->result < 0)
		opening->result = -errno;
	return NULL;
}

int remote_open(struct remote_call *call, const char *path, int flags)
{
	int dumpable = prctl(PR_GET_DUMPABLE);
	struct rights rights;
	struct opening opening = { .rights = &rights, .path = path, .flags = flags };
	int error = rights_init(&rights, (pid_t)call->caller.tid);
	pthread_t thread;

	if (!error && !remote_call_waits(call))
		error = -ESRCH;
	if (!error)
		error = -pthread_create(&thread, NULL, open_with_rights, &opening);
	if (!error)
		pthread_join(thread, NULL);
	/* The kernel takes a process whose user changes for one with secrets. */
	if (dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1);
	rights_done(&rights);
	return error ? error : opening.result;
}
