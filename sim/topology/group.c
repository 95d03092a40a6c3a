/* SPDX-License-Identifier: MIT */
/* The rows iommus: and groups: of a topology. */
#include "topology/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/span.h"
#include "base/value.h"

/* ---- Reserved regions ---- */

static int read_resv_type(struct topology_reader *reader, const struct ynode *value, void *to)
{
	static const struct word words[] = {
		{ "direct", VFIOSIM_RESV_DIRECT },
		{ "direct-relaxable", VFIOSIM_RESV_DIRECT_RELAXABLE },
		{ "reserved", VFIOSIM_RESV_RESERVED },
		{ "msi", VFIOSIM_RESV_MSI },
		{ "sw-msi", VFIOSIM_RESV_SW_MSI },
		{ NULL, 0 },
	};
	enum vfiosim_resv_type *type = to;
	int word, err = read_word(reader, value, words, &word);

	if (!err)
		*type = (enum vfiosim_resv_type)word;
	return err;
}

static const struct field resv_fields[] = {
	{ "range", read_range, offsetof(struct vfiosim_resv, range), true },
	{ "type", read_resv_type, offsetof(struct vfiosim_resv, type), true },
	{ NULL },
};

static bool resv_overlaps(const struct vfiosim_resv *a, const struct vfiosim_resv *b)
{
	return span_overlaps((struct span){ a->range.first, a->range.last },
			     (struct span){ b->range.first, b->range.last });
}

/* Refuses @resv when it overlaps one of the @n that are there. */
static int check_overlap(struct topology_reader *reader, const struct ynode *node,
			 const struct vfiosim_resv *resv, const struct vfiosim_resv *others,
			 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (resv_overlaps(resv, &others[i]))
			return topology_fail(reader, node,
					     "reserved region %#llx..%#llx overlaps %#llx..%#llx",
					     (unsigned long long)resv->range.first,
					     (unsigned long long)resv->range.last,
					     (unsigned long long)others[i].range.first,
					     (unsigned long long)others[i].range.last);
	return 0;
}

static int read_resv_list(struct topology_reader *reader, const struct ynode *list,
			  const struct vfiosim_resv **ret_resv, size_t *ret_n)
{
	struct vfiosim_resv *resv;
	size_t n = 0;

	if (list->kind != YNODE_LIST)
		return topology_expected(reader, list, "a list of {range: FIRST..LAST, type: TYPE}");
	if (list->count > RESV_MAX)
		return topology_fail(reader, list, "more than %u reserved regions", RESV_MAX);
	resv = arena_alloc(reader->arena, list->count * sizeof(*resv));
	if (!resv)
		return -ENOMEM;
	for (const struct ynode *item = list->first; item; item = item->next, n++) {
		int err = read_fields(reader, item, resv_fields, NULL, &resv[n]);

		if (!err)
			err = check_overlap(reader, item, &resv[n], resv, n);
		if (err)
			return err;
	}
	*ret_resv = n ? resv : NULL;
	*ret_n = n;
	return 0;
}

/* ---- IOMMUs ---- */

static int read_page_sizes(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t *sizes = to, all = 0;

	if (value->kind != YNODE_LIST || !value->count)
		return topology_expected(reader, value, "a list of page sizes, [4K, 2M, 1G]");
	for (const struct ynode *item = value->first; item; item = item->next) {
		uint64_t size;
		int err = read_power(reader, item, &size);

		if (err)
			return err;
		if (size < 4096)
			return topology_expected(reader, item, "a page size of at least 4K");
		all |= size;
	}
	*sizes = all;
	return 0;
}

static int read_iommu_resv(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_iommu *iommu = to;

	return read_resv_list(reader, value, &iommu->resv, &iommu->n_resv);
}

static int read_registers(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_iommu *iommu = to;
	struct vfiosim_register *registers;

	if (value->kind != YNODE_MAP)
		return topology_expected(reader, value, "a map from registers to values");
	if (value->count > REGISTERS_MAX)
		return topology_fail(reader, value, "more than %u registers", REGISTERS_MAX);
	registers = arena_alloc(reader->arena, value->count * sizeof(*registers));
	if (!registers)
		return -ENOMEM;
	for (const struct ynode *key = value->first; key; key = key->next) {
		struct vfiosim_register *reg = &registers[iommu->n_registers++];
		int err = read_text(reader, key, &reg->name);

		if (!err)
			err = read_size(reader, key->value, &reg->value);
		if (err)
			return err;
	}
	iommu->registers = registers;
	return 0;
}

static const struct field iommu_fields[] = {
	{ "type", read_text, offsetof(struct vfiosim_topo_iommu, type) },
	{ "aperture", read_range, offsetof(struct vfiosim_topo_iommu, aperture), true },
	{ "page_sizes", read_page_sizes, offsetof(struct vfiosim_topo_iommu, page_sizes) },
	{ "snoop_control", read_bool, offsetof(struct vfiosim_topo_iommu, snoop_control) },
	{ "registers", read_registers, 0 },
	{ "interrupt_remapping", read_bool, offsetof(struct vfiosim_topo_iommu, interrupt_remapping) },
	{ "reserved", read_iommu_resv, 0 },
	{ NULL },
};

int read_iommus(struct topology_reader *reader, const struct ynode *value, void *to)
{
	if (value->kind != YNODE_MAP)
		return topology_expected(reader, value, "a map from names to IOMMUs");
	if (value->count > IOMMUS_MAX)
		return topology_fail(reader, value, "more than %u IOMMUs", IOMMUS_MAX);
	reader->iommus = arena_alloc(reader->arena, value->count * sizeof(*reader->iommus));
	if (!reader->iommus)
		return -ENOMEM;
	for (const struct ynode *key = value->first; key; key = key->next) {
		struct vfiosim_topo_iommu *iommu = &reader->iommus[reader->topology->n_iommus++];
		int err;

		if (!is_file_name(key->text))
			return topology_expected(reader, key, "the name of an IOMMU");
		*iommu = (struct vfiosim_topo_iommu){
			.type = "vt-d", .page_sizes = 0x40201000, .interrupt_remapping = true,
		};
		err = read_text(reader, key, &iommu->name);
		if (!err)
			err = read_fields(reader, key->value, iommu_fields, NULL, iommu);
		if (err)
			return err;
	}
	return 0;
}

/* ---- Groups ---- */

/* "10" or "noiommu-0" */
static int read_group_name(struct topology_reader *reader, const struct ynode *node,
			   struct vfiosim_topo_group *group)
{
	static const char prefix[] = "noiommu-";
	const char *text = node->kind == YNODE_SCALAR ? node->text : "";
	uint64_t number;

	group->noiommu = !strncmp(text, prefix, sizeof(prefix) - 1);
	if (group->noiommu)
		text += sizeof(prefix) - 1;
	if (!value_number(text, &number) || number > 0xffffff)
		return topology_expected(reader, node, "a group's number (10, noiommu-0)");
	group->number = (uint32_t)number;
	return 0;
}

static int read_group_iommu(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_group *group = to;
	const char *names[IOMMUS_MAX];
	size_t n = reader->topology->n_iommus;
	char hint[100], found[80];

	if (value->kind != YNODE_SCALAR)
		return topology_expected(reader, value, "the name of an IOMMU");
	for (size_t i = 0; i < n; i++) {
		names[i] = reader->iommus[i].name;
		if (!strcmp(names[i], value->text)) {
			group->iommu = (int)i;
			return 0;
		}
	}
	return topology_fail(reader, value, "there is no IOMMU %s%s",
			     ynode_found(value, found, sizeof(found)),
			     suggestion(value->text, names, n, hint, sizeof(hint)));
}

static int read_group_resv(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_group *group = to;
	int err = read_resv_list(reader, value, &group->resv, &group->n_resv);

	for (size_t i = 0; !err && group->iommu >= 0 && i < group->n_resv; i++)
		err = check_overlap(reader, value, &group->resv[i],
				    reader->iommus[group->iommu].resv,
				    reader->iommus[group->iommu].n_resv);
	return err;
}

static const struct field group_fields[] = {
	{ "iommu", read_group_iommu, 0 },
	{ "reserved", read_group_resv, 0 },
	{ NULL },
};

static int add_group(struct topology_reader *reader, const struct ynode *node,
		     const struct vfiosim_topo_group *group, size_t *ret_index)
{
	size_t n = reader->topology->n_groups;

	if (n == GROUPS_MAX)
		return topology_fail(reader, node, "more than %u groups", GROUPS_MAX);
	if (!reader->groups) {
		reader->groups = arena_alloc(reader->arena, GROUPS_MAX * sizeof(*reader->groups));
		reader->group_nodes = arena_alloc(reader->arena,
						  GROUPS_MAX * sizeof(*reader->group_nodes));
		if (!reader->groups || !reader->group_nodes)
			return -ENOMEM;
	}
	reader->groups[n] = *group;
	reader->group_nodes[n] = node;
	*ret_index = n;
	reader->topology->n_groups++;
	return 0;
}

static bool same_group(const struct vfiosim_topo_group *a, const struct vfiosim_topo_group *b)
{
	return a->number == b->number && a->noiommu == b->noiommu;
}

static struct vfiosim_topo_group *known_group(struct topology_reader *reader,
					      const struct vfiosim_topo_group *group)
{
	for (size_t i = 0; i < reader->topology->n_groups; i++)
		if (same_group(&reader->groups[i], group))
			return &reader->groups[i];
	return NULL;
}

int read_groups(struct topology_reader *reader, const struct ynode *value, void *to)
{
	if (value->kind != YNODE_MAP)
		return topology_expected(reader, value, "a map from numbers to groups");
	for (const struct ynode *key = value->first; key; key = key->next) {
		struct vfiosim_topo_group group = { .iommu = -1 };
		size_t index;
		int err = read_group_name(reader, key, &group);

		if (!err && known_group(reader, &group))
			err = topology_fail(reader, key, "group %u stands here for the second time",
					    group.number);
		if (!err)
			err = read_fields(reader, key->value, group_fields, NULL, &group);
		if (!err && group.noiommu && group.iommu >= 0)
			err = topology_fail(reader, key, "group %s cannot have an IOMMU", key->text);
		if (!err)
			err = add_group(reader, key, &group, &index);
		if (err)
			return err;
	}
	return 0;
}

/* The IOMMU of a group that only devices speak of: the machine's only one. */
static int imply_iommu(struct topology_reader *reader, const struct ynode *node,
		       enum vfiosim_device_kind kind, struct vfiosim_topo_group *group)
{
	size_t n = reader->topology->n_iommus;

	if (group->noiommu || kind == VFIOSIM_DEVICE_MDEV)
		return 0;
	if (!n)
		return topology_fail(reader, node, "group %u has no IOMMU: there is none", group->number);
	if (n > 1)
		return topology_fail(reader, node,
				     "which of the %zu IOMMUs is group %u behind? Say so under groups:",
				     n, group->number);
	group->iommu = 0;
	return 0;
}

int find_group(struct topology_reader *reader, const struct ynode *value,
	       enum vfiosim_device_kind kind, int *ret_index)
{
	struct vfiosim_topo_group group = { .iommu = -1 }, *known;
	size_t index;
	int err = read_group_name(reader, value, &group);

	if (err)
		return err;
	known = known_group(reader, &group);
	if (known) {
		*ret_index = (int)(known - reader->groups);
		if (kind != VFIOSIM_DEVICE_MDEV && known->iommu < 0)
			return imply_iommu(reader, value, kind, known);
		return 0;
	}
	err = imply_iommu(reader, value, kind, &group);
	if (!err)
		err = add_group(reader, value, &group, &index);
	if (!err)
		*ret_index = (int)index;
	return err;
}

/* ---- At the end ---- */

static int check_members(struct topology_reader *reader, int group)
{
	const struct vfiosim_topo_device *first = NULL;

	for (size_t i = 0; i < reader->topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &reader->devices[i];

		if (device->group != group)
			continue;
		if (device->kind == VFIOSIM_DEVICE_MDEV &&
		    (reader->groups[group].iommu >= 0 || reader->groups[group].noiommu))
			return topology_fail(reader, reader->device_nodes[i],
					     "%s is an mdev: its group is emulated, but group %s%u is not",
					     device->name, reader->groups[group].noiommu ? "noiommu-" : "",
					     reader->groups[group].number);
		if (first && (first->kind == VFIOSIM_DEVICE_MDEV || device->kind == VFIOSIM_DEVICE_MDEV))
			return topology_fail(reader, reader->device_nodes[i],
					     "%s cannot share group %u with %s: an mdev is alone in its group",
					     device->name, reader->groups[group].number, first->name);
		first = first ? first : device;
	}
	if (!first)
		return topology_fail(reader, reader->group_nodes[group], "group %u has no device",
				     reader->groups[group].number);
	return 0;
}

/* By number, those without IOMMU last. */
static int compare_groups(const void *one, const void *other)
{
	const struct vfiosim_topo_group *a = one, *b = other;

	if (a->noiommu != b->noiommu)
		return a->noiommu ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

int finish_groups(struct topology_reader *reader)
{
	size_t n = reader->topology->n_groups;
	struct vfiosim_topo_group *sorted;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int err = check_members(reader, (int)i);

		if (err)
			return err;
	}
	sorted = arena_alloc(reader->arena, n * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, reader->groups, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_groups);
	for (size_t i = 0; i < reader->topology->n_devices; i++) {
		struct vfiosim_topo_device *device = &reader->devices[i];
		const struct vfiosim_topo_group *found;

		if (device->group < 0)
			continue;
		found = bsearch(&reader->groups[device->group], sorted, n, sizeof(*sorted),
				compare_groups);
		device->group = (int)(found - sorted);
	}
	reader->topology->groups = sorted;
	return 0;
}
