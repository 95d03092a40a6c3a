/* SPDX-License-Identifier: MIT */
/*
 * A worker: a real process that makes system calls on request, so that a case can
 * have several processes, with memory, limits and descriptors of their own.
 *
 * The runner and a worker speak over a stream socket, one request at a time: a
 * struct worker_request and its bytes, answered by a struct worker_reply and its
 * bytes. Both ends are the same program on the same machine.
 */
#ifndef HARNESS_TARGET_WORKER_H
#define HARNESS_TARGET_WORKER_H

#include <stddef.h>
#include <stdint.h>

enum worker_op {
	WORKER_OPEN,		/* bytes: path */
	WORKER_CLOSE,
	WORKER_DUP,
	WORKER_GIVE,		/* a copy of the descriptor travels along with the reply */
	WORKER_TAKE,		/* ... with the request: result is its number */
	WORKER_IOCTL,		/* a: command, b: argument */
	WORKER_IOCTL_DATA,	/* a: command; bytes: the structure, also in the reply */
	WORKER_PREAD,		/* a: offset, b: length; reply: bytes */
	WORKER_PWRITE,		/* a: offset; bytes */
	WORKER_EVENTFD,
	WORKER_MEMFD,		/* a: size, b: 1 seals it */
	WORKER_EVENT_READ,
	WORKER_MMAP,		/* a: enum memory_kind, b: length; reply: value is the address */
	WORKER_MMAP_FD,		/* a: offset, b: length; reply: value is the address */
	WORKER_MUNMAP,		/* a: address, b: length */
	WORKER_MPROTECT,	/* a: address, b: length, fd: PROT_READ, PROT_WRITE */
	WORKER_PEEK,		/* a: address, b: length; reply: bytes */
	WORKER_POKE,		/* a: address; bytes */
	WORKER_LIMIT,		/* a: bytes of locked memory, b: bit 0 keeps CAP_SYS_RAWIO, 1 CAP_SYS_RESOURCE */
	WORKER_FORK,		/* a descriptor travels along: the child's socket */
	WORKER_EXEC,
	WORKER_READ_FILE,	/* bytes: path; reply: its bytes */
	WORKER_WRITE_FILE,	/* a: patience, ms, b: a real kernel; bytes: path, NUL, text; -EINPROGRESS: the writer waits */
};

struct worker_request {
	uint32_t op;
	int32_t fd;
	uint64_t a, b;
	uint32_t size;		/* of the bytes that follow */
	uint32_t pad;
};

struct worker_reply {
	int64_t result;		/* of the system call, or a negative errno */
	uint64_t value;
	uint32_t size;		/* of the bytes that follow */
	uint32_t pad;
};

#define WORKER_BYTES_MAX (1u << 20)

/*
 * Serves requests on @socket until the other end closes it; returns an exit status.
 * After an exec the worker goes on as `PROGRAM worker SOCKET` (worker_verb of cli.h).
 */
int worker_serve(int socket);
/* @head, of @size bytes, and with it a copy of @fd; -1: none. 0 or a negative errno. */
int worker_send_fd(int socket, const void *head, size_t size, int fd);
/* The same from the other end; *@ret_fd is -1 when none came. */
int worker_receive_fd(int socket, void *head, size_t size, int *ret_fd);
/* Exactly @size bytes, or -EPIPE (the other end is gone) or another negative errno. */
int worker_send(int socket, const void *bytes, size_t size);
int worker_receive(int socket, void *bytes, size_t size);

#endif
