/* SPDX-License-Identifier: MIT */
#include "launch/machine_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "base/yaml.h"

/* ---- Options ----------------------------------------------------------- */

const char *machine_memlock_word(size_t index)
{
	static const char *const words[] = { "unlimited", "client", NULL };

	return index < 2 ? words[index] : NULL;
}

const char *machine_parse_kernel(const char *text, void *to)
{
	return vfiosim_kernel_parse(text, to) ? NULL : "a version of Linux from 6.1 to 7.2";
}

const char *machine_chardev_word(size_t index)
{
	static const char *const words[] = { [FAKE_AUTO] = "auto", [FAKE_YES] = "yes", [FAKE_NO] = "no" };

	return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

const char *machine_parse_memlock(const char *text, void *to)
{
	struct memlock_arg *memlock = to;

	memlock->given = true;
	if (!strcmp(text, "unlimited"))
		memlock->kind = VFIOSIM_MEMLOCK_UNLIMITED;
	else if (!strcmp(text, "client"))
		memlock->kind = VFIOSIM_MEMLOCK_CLIENT;
	else if (value_number(text, &memlock->bytes))
		memlock->kind = VFIOSIM_MEMLOCK_BYTES;
	else
		return "unlimited, client or bytes (64K, 1M, 2G)";
	return NULL;
}

/* Does any device have a node of its own, or may one come to have it? */
static bool has_cdevs(const struct vfiosim_topology *topology)
{
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].kind == VFIOSIM_DEVICE_MDEV ||
		    !strcmp(topology->devices[i].driver, "vfio-pci"))
			return true;
	return false;
}

bool machine_fakes_chardevs(const struct machine_args *args,
			    const struct vfiosim_topology *topology)
{
	return args->fake_chardev == FAKE_YES ||
	       (args->fake_chardev == FAKE_AUTO && has_cdevs(topology));
}

/* ---- The machine ------------------------------------------------------- */

char *machine_topology_name(const struct machine_args *args)
{
	const char *name_or_file = args->topology;
	char *path = yaml_is_path(name_or_file) ? realpath(name_or_file, NULL) : NULL;

	return path ? path : strdup(name_or_file);
}

int machine_apply(const struct machine_args *args, struct vfiosim_topology *topology)
{
	int error = fault_args_apply(&args->faults, topology);

	if (error)
		return error;
	if (args->kernel.major)
		vfiosim_topology_set_kernel(topology, args->kernel);
	if (args->memlock.given)
		vfiosim_topology_set_memlock(topology, args->memlock.kind, args->memlock.bytes);
	return 0;
}

int machine_load(const struct machine_args *args, struct vfiosim_topology **ret_topology,
		 struct vfiosim_errors *ret_errors)
{
	struct vfiosim_topology *topology;
	int error;

	error = vfiosim_topology_load(args->topology, &topology, ret_errors);
	if (error)
		return error;
	error = machine_apply(args, topology);
	if (error) {
		vfiosim_topology_free(topology);
		ret_errors->n = 0;
		return error;
	}
	*ret_topology = topology;
	return 0;
}
