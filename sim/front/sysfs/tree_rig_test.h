/* SPDX-License-Identifier: MIT */
/* What tests of the tree share: a machine with its tree, and the shell's cat, readlink, ls and echo. */
#ifndef FRONT_SYSFS_TREE_RIG_TEST_H
#define FRONT_SYSFS_TREE_RIG_TEST_H

#include "front/sysfs/tree.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"
#include "machine/call.h"

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct tree *tree;
static struct vfiosim_inproc *proc;
static struct vfiosim_caller caller;

static inline void machine(const char *name)
{
	struct vfiosim_errors error;

	ck_assert_int_eq(vfiosim_topology_load(name, &topology, &error), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &proc), 0);
	ck_assert_int_eq(tree_create(sim, &tree), 0);
	caller = (struct vfiosim_caller){ .client = vfiosim_inproc_client(proc) };
}

static inline void set_up(void)
{
	machine("q35");
}

static inline void tear_down(void)
{
	tree_destroy(tree);
	vfiosim_inproc_destroy(proc);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

static inline struct node *node_at(const char *path)
{
	struct node *node = tree_find(tree, path);

	ck_assert_msg(node != NULL, "%s is not there", path);
	return node;
}

static inline bool there(const char *path)
{
	return tree_find(tree, path) != NULL;
}

static inline void check_text(const char *path, const char *expected)
{
	size_t length = 0;
	char *text = NULL;

	ck_assert_int_eq(node_show(tree, node_at(path), &caller, &text, &length), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(length, strlen(expected));
	free(text);
}

static inline void check_link(const char *path, const char *expected)
{
	char to[512];

	ck_assert_int_eq(node_readlink(tree, node_at(path), to, sizeof(to)), (ssize_t)strlen(expected));
	ck_assert_str_eq(to, expected);
}

static inline bool append_name(void *ctx, const char *name, struct node *node)
{
	char *all = ctx;

	sprintf(all + strlen(all), "%s%s", *all ? " " : "", name);
	return true;
}

static inline void check_list(const char *path, const char *expected)
{
	char all[4096] = "";

	ck_assert_int_eq(node_list(tree, node_at(path), append_name, all), 0);
	ck_assert_str_eq(all, expected);
}

/* Like one write(2) by a shell, into a node that was found. */
static inline ssize_t echo_to(const char *text, struct node *node, uint64_t *wait)
{
	ssize_t ret = node_store(tree, node, &caller, text, strlen(text), wait);

	vfiosim_finish(sim, &caller);
	return ret;
}

static inline ssize_t echo(const char *text, const char *path)
{
	uint64_t wait = 0;

	return echo_to(text, node_at(path), &wait);
}

/* A device of q35, its driver, and where mdevs of mtty are made. */
#define B "sys/devices/pci0000:00/0000:00:05.0/0000:02:00.0"
#define DRIVER "sys/bus/pci/drivers/vfio-pci"
#define MTTY "sys/devices/virtual/mtty/mtty/mdev_supported_types/"

#endif
