/* SPDX-License-Identifier: MIT */
/*
 * A topology as a whole: loading, looking up, freeing. Everything of it lies in one
 * arena, so freeing is one act whatever was built.
 */
#include "topology/topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault_text.h"
#include "base/kernel_version.h"
#include "base/nearest.h"
#include "base/value.h"
#include "topology/read.h"

struct topology_box {
	struct vfiosim_topology topology;	/* first: what the user holds */
	struct arena arena;
};

static int read_memlock(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topology *topology = to;

	if (value->kind == YNODE_SCALAR && !strcmp(value->text, "unlimited")) {
		topology->memlock = VFIOSIM_MEMLOCK_UNLIMITED;
		return 0;
	}
	if (value->kind == YNODE_SCALAR && !strcmp(value->text, "client")) {
		topology->memlock = VFIOSIM_MEMLOCK_CLIENT;
		return 0;
	}
	if (value->kind != YNODE_SCALAR || !value_number(value->text, &topology->memlock_bytes))
		return ynode_expected(value, reader->errors, "unlimited, client or a size (64K)");
	topology->memlock = VFIOSIM_MEMLOCK_BYTES;
	return 0;
}

static int read_kernel(struct topology_reader *reader, const struct ynode *value, void *to)
{
	if (value->kind == YNODE_SCALAR && vfiosim_kernel_parse(value->text, to))
		return 0;
	return ynode_expected(value, reader->errors, "a version of Linux from 6.1 to 7.2");
}

static int read_fault(struct topology_reader *reader, const struct ynode *value)
{
	const char *text;
	int err = fault_text_read(value, NULL, NULL, reader->scratch, &text, reader->errors);

	return err ? err : topology_add_fault(reader->topology, text, value->line, value->column);
}

static int read_faults(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	(void)to;
	if (value->kind != YNODE_LIST)
		return ynode_expected(value, reader->errors, "a list of faults");
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_fault(reader, &value->items[i]));
	return err;
}

#define AT(member_) offsetof(struct vfiosim_topology, member_)

static const struct field top_fields[] = {
	{ "about", read_text, AT(about) },
	{ "kernel", read_kernel, AT(kernel) },
	{ "iommufd", read_bool, AT(config_iommufd) },
	{ "iommufd_test", read_bool, AT(config_iommufd_test) },
	{ "noiommu", read_bool, AT(config_noiommu) },
	{ "pci_iov", read_bool, AT(config_pci_iov) },
	{ "memlock", read_memlock, 0 },
	{ "rawio_granted", read_bool, AT(rawio_granted) },
	{ "dma_entry_limit", read_u32, AT(dma_entry_limit) },
	{ "allow_unsafe_interrupts", read_bool, AT(allow_unsafe_interrupts) },
	{ "enable_unsafe_noiommu_mode", read_bool, AT(noiommu) },
	{ "iommus", read_iommus, 0 },
	{ "models", read_models, 0 },
	{ "mdev_types", read_types, 0 },
	{ "groups", read_groups, 0 },
	{ "devices", read_devices, 0, true },
	{ "faults", read_faults, 0 },
	{ NULL },
};

/* Of a file: its name without folder and ending. */
static const char *name_of_file(struct arena *arena, const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	const char *dot = strrchr(name, '.');

	return arena_text(arena, name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
}

static int read_topology(struct topology_reader *reader, const struct ynode *root)
{
	struct vfiosim_topology *topology = reader->topology;
	int err = read_shared_models(reader);

	err = worse(err, read_fields(reader, root, top_fields, NULL, topology));
	if (!err && !topology->n_devices)
		err = ynode_error(ynode_get(root, "devices"), reader->errors,
				  "a machine has at least one device");
	if (!err)
		err = finish_groups(reader);
	if (err)
		return err;
	topology->iommus = topology->n_iommus ? reader->iommus : NULL;
	topology->devices = reader->devices;
	topology->mdev_types = topology->n_mdev_types ? reader->types : NULL;
	return 0;
}

static int judge(const struct topology_reader *reader, const struct topology_name *name,
		 const struct topology_owner *owner)
{
	char problem[400];

	if (owner->kind != name->kind ||
	    owner->accepts(name->node->text, reader->names, problem, sizeof(problem)))
		return 0;
	return ynode_error(name->node, reader->errors, "%s", problem);
}

/* What the names mean is not known here: their owners are asked. */
static int judge_names(const struct topology_reader *reader, const struct topology_owner *owners)
{
	int err = 0;

	for (const struct topology_name *name = reader->names; name; name = name->next)
		for (const struct topology_owner *owner = owners; owner->accepts; owner++)
			err = worse(err, judge(reader, name, owner));
	return err;
}

/* @broken: what is known of the file already. */
static int build(struct topology_reader *reader, const struct ynode *root, int broken,
		 const struct topology_owner *owners, struct vfiosim_topology **ret_topology)
{
	struct topology_box *box = calloc(1, sizeof(*box));
	int err;

	if (!box)
		return -ENOMEM;
	arena_init(&box->arena);
	reader->arena = &box->arena;
	reader->topology = &box->topology;
	box->topology.about = "";
	box->topology.dma_entry_limit = 65535;
	box->topology.kernel = KERNEL_NEWEST;
	box->topology.config_iommufd = true;
	box->topology.config_noiommu = true;
	box->topology.name = name_of_file(&box->arena, root->file);
	err = box->topology.name ? broken : -ENOMEM;
	err = worse(err, read_topology(reader, root));
	err = worse(err, judge_names(reader, owners));
	if (err)
		vfiosim_topology_free(&box->topology);
	else
		*ret_topology = &box->topology;
	return err;
}

int topology_parse(const char *file, const char *text, size_t length,
		   const struct topology_owner *owners, struct vfiosim_topology **ret_topology,
		   struct vfiosim_errors *ret_errors)
{
	struct arena scratch;
	struct topology_reader reader = { .scratch = &scratch, .errors = ret_errors };
	const struct ynode *root;
	int err;

	errors_init(ret_errors);
	arena_init(&scratch);
	err = yaml_parse(file, text, length, &scratch, &root, ret_errors);
	if (root)
		err = build(&reader, root, err, owners, ret_topology);
	arena_done(&scratch);
	return err;
}

void vfiosim_topology_free(struct vfiosim_topology *topology)
{
	struct topology_box *box = (struct topology_box *)topology;

	if (!box)
		return;
	arena_done(&box->arena);
	free(box);
}

int topology_add_fault(struct vfiosim_topology *topology, const char *text, unsigned line,
		       unsigned column)
{
	struct topology_box *box = (struct topology_box *)topology;
	struct vfiosim_topo_fault *faults =
		arena_alloc(&box->arena, (topology->n_faults + 1) * sizeof(*faults));

	if (!faults)
		return -ENOMEM;
	if (topology->n_faults)
		memcpy(faults, topology->faults, topology->n_faults * sizeof(*faults));
	faults[topology->n_faults] = (struct vfiosim_topo_fault){
		.text = arena_text(&box->arena, text, strlen(text)), .line = line, .column = column
	};
	if (!faults[topology->n_faults].text)
		return -ENOMEM;
	topology->faults = faults;
	topology->n_faults++;
	return 0;
}

/* ---- From a file, or built in ---- */

static int load_file(const char *path, const struct topology_owner *owners,
		     struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors)
{
	struct arena scratch;
	struct topology_reader reader = { .scratch = &scratch, .errors = ret_errors };
	const struct ynode *root;
	int err;

	arena_init(&scratch);
	err = yaml_load(path, &scratch, &root, ret_errors);
	if (root)
		err = build(&reader, root, err, owners, ret_topology);
	arena_done(&scratch);
	return err;
}

int topology_load(const char *name_or_file, const struct topology_owner *owners,
		  struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors)
{
	const struct vfiosim_builtin *builtin;
	const char *names[64];
	char hint[100];
	size_t n = 0;

	errors_init(ret_errors);
	if (yaml_is_path(name_or_file))
		return load_file(name_or_file, owners, ret_topology, ret_errors);
	for (; n < 64 && (builtin = vfiosim_topology_builtin(n)); n++) {
		names[n] = builtin->name;
		if (!strcmp(builtin->name, name_or_file))
			return topology_parse(builtin->name, builtin->text, builtin->length,
					      owners, ret_topology, ret_errors);
	}
	errors_add(ret_errors, name_or_file, 0, 0,
		   "no built-in topology has this name%s (`vfiosim topology list` names them; a file's "
		   "name has a / or ends in .yaml)",
		   suggestion(name_or_file, names, n, hint, sizeof(hint)));
	return -ENOENT;
}

/* ---- Using one ---- */

void vfiosim_topology_set_kernel(struct vfiosim_topology *topology, struct vfiosim_kernel kernel)
{
	topology->kernel = kernel;
}

void vfiosim_topology_set_memlock(struct vfiosim_topology *topology, enum vfiosim_memlock memlock,
				  uint64_t bytes)
{
	topology->memlock = memlock;
	topology->memlock_bytes = bytes;
}

int vfiosim_topology_device(const struct vfiosim_topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->n_devices; i++)
		if (!strcmp(topology->devices[i].name, name) ||
		    !strcmp(topology->devices[i].address, name))
			return (int)i;
	return -1;
}
