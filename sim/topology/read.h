/* SPDX-License-Identifier: MIT */
/*
 * Reading a topology: maps of the file become structures by tables of fields, one
 * row per key. A key without a row is an error with a suggestion, so is a value
 * its row's function does not like. Reading goes on behind errors, and what is
 * broken is kept where others look for it, so that nothing is said of them. Only
 * -ENOMEM ends it at once: what could not be kept is missing where others look.
 */
#ifndef SIM_TOPOLOGY_READ_H
#define SIM_TOPOLOGY_READ_H

#include <vfiosim/topology.h>

#include "base/errors.h"
#include "base/yaml.h"
#include "topology/names.h"

#define DEVICES_MAX 16384u
#define GROUPS_MAX 16384u
#define IOMMUS_MAX 64u
#define TYPES_MAX 64u
#define RESV_MAX 256u
#define REGISTERS_MAX 16u

/* A row under models:, a device without name, address and group. */
struct topology_model {
	const char *name;
	struct vfiosim_topo_device device;
	bool broken;		/* that is told: nothing is said of what comes of it */
	struct topology_model *next;
};

struct topology_reader {
	struct arena *arena;			/* of the topology: lives as long as it */
	struct arena *scratch;			/* only while it is read */
	struct vfiosim_errors *errors;
	struct vfiosim_topology *topology;	/* being filled */
	struct topology_model *models;
	const struct topology_name *names;	/* newest first */

	/* The lists of the topology, while they can still change. */
	struct vfiosim_topo_iommu *iommus;
	struct vfiosim_topo_group *groups;	/* sorted at the end */
	size_t groups_room;			/* for so many */
	const struct ynode **group_nodes;	/* where each is spoken of first */
	struct vfiosim_topo_device *devices;
	const struct ynode **device_nodes;
	struct vfiosim_topo_mdev_type *types;
};

struct field {
	const char *key;		/* NULL ends a table */
	int (*read)(struct topology_reader *reader, const struct ynode *value, void *to);
	size_t offset;			/* of what @to is in the structure */
	bool required;
};

/*
 * Fills @base from @map by the rows of @fields and, unless NULL, @more: in the
 * order of the rows, whatever the order in the file, so that a row can rely on
 * those above it. Goes on behind a row that is refused. -EINVAL, -ENOMEM.
 */
int read_fields(struct topology_reader *reader, const struct ynode *map,
		const struct field *fields, const struct field *more, void *base);

/* Words that stand for numbers; a NULL word ends. */
struct word {
	const char *word;
	int value;
};
int read_word(struct topology_reader *reader, const struct ynode *value, const struct word *words,
	      int *ret_value);
/* Keeps @value, a scalar, for the owner of its @kind to judge. -ENOMEM. */
int keep_name(struct topology_reader *reader, enum topology_name_kind kind,
	      const struct ynode *value);

/* A name that can be a file's in sysfs. */
bool is_file_name(const char *name);

/* Functions for rows: @to is what their name says. */
int read_text(struct topology_reader *reader, const struct ynode *value, void *to);	/* const char * */
int read_bool(struct topology_reader *reader, const struct ynode *value, void *to);
int read_u8(struct topology_reader *reader, const struct ynode *value, void *to);
int read_u16(struct topology_reader *reader, const struct ynode *value, void *to);
int read_u32(struct topology_reader *reader, const struct ynode *value, void *to);
int read_size(struct topology_reader *reader, const struct ynode *value, void *to);	/* uint64_t */
int read_power(struct topology_reader *reader, const struct ynode *value, void *to);	/* a power of two, or 0 */
int read_range(struct topology_reader *reader, const struct ynode *value, void *to);	/* vfiosim_range */

/* group.c: the rows iommus: and groups: */
int read_iommus(struct topology_reader *reader, const struct ynode *value, void *to);
int read_groups(struct topology_reader *reader, const struct ynode *value, void *to);
/* The row reserved: of an IOMMU, a group or a device. */
int read_resv_list(struct topology_reader *reader, const struct ynode *list,
		   const struct vfiosim_resv **ret_resv, size_t *ret_n);
/* The index of the group that is called @value, made if it is new; what it holds is @kind. */
int find_group(struct topology_reader *reader, const struct ynode *value,
	       enum vfiosim_device_kind kind, int *ret_index);
/* After all devices: checks the groups and puts them in order of their numbers. */
int finish_groups(struct topology_reader *reader);

/* device.c: the rows models:, mdev_types: and devices: */
int read_shared_models(struct topology_reader *reader);
int read_models(struct topology_reader *reader, const struct ynode *value, void *to);
int read_types(struct topology_reader *reader, const struct ynode *value, void *to);
int read_devices(struct topology_reader *reader, const struct ynode *value, void *to);
/* bar.c: the keys bars: and msix:, and whether a device's fit together. */
int read_bars(struct topology_reader *reader, const struct ynode *value, void *to);
int read_msix(struct topology_reader *reader, const struct ynode *value, void *to);
int check_bars(struct topology_reader *reader, const struct ynode *map,
	       const struct vfiosim_topo_device *device);

#endif
