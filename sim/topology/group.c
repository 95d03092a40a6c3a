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
			return ynode_error(node, reader->errors,
					   "reserved region %#llx..%#llx overlaps %#llx..%#llx",
					   (unsigned long long)resv->range.first,
					   (unsigned long long)resv->range.last,
					   (unsigned long long)others[i].range.first,
					   (unsigned long long)others[i].range.last);
	return 0;
}

int read_resv_list(struct topology_reader *reader, const struct ynode *list,
		   const struct vfiosim_resv **ret_resv, size_t *ret_n)
{
	struct vfiosim_resv *resv;
	int err = 0;

	if (list->kind != YNODE_LIST)
		return ynode_expected(list, reader->errors, "a list of {range: FIRST..LAST, type: TYPE}");
	if (list->n > RESV_MAX)
		return ynode_error(list, reader->errors, "more than %u reserved regions", RESV_MAX);
	resv = arena_alloc(reader->arena, list->n * sizeof(*resv));
	if (!resv)
		return -ENOMEM;
	*ret_n = 0;
	for (size_t i = 0; i < list->n && err != -ENOMEM; i++) {
		int broken = read_fields(reader, &list->items[i], resv_fields, NULL, &resv[*ret_n]);

		if (!broken)
			broken = check_overlap(reader, &list->items[i], &resv[*ret_n], resv, *ret_n);
		if (!broken)
			++*ret_n;
		err = worse(err, broken);
	}
	*ret_resv = *ret_n ? resv : NULL;
	return err;
}

/* ---- IOMMUs ---- */

static int read_page_sizes(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t *sizes = to, all = 0;
	int err = 0;

	if (value->kind != YNODE_LIST || !value->n)
		return ynode_expected(value, reader->errors, "a list of page sizes, [4K, 2M, 1G]");
	for (size_t i = 0; i < value->n; i++) {
		const struct ynode *item = &value->items[i];
		uint64_t size = 0;
		int broken = read_power(reader, item, &size);

		if (!broken && size < 4096)
			broken = ynode_expected(item, reader->errors, "a page size of at least 4K");
		err = worse(err, broken);
		all |= size;
	}
	*sizes = all;
	return err;
}

static int read_iommu_resv(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_iommu *iommu = to;

	return read_resv_list(reader, value, &iommu->resv, &iommu->n_resv);
}

static int read_type(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = read_text(reader, value, to);

	return err ? err : keep_name(reader, NAME_IOMMU_TYPE, value);
}

static int read_registers(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_iommu *iommu = to;
	struct vfiosim_register *registers;
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from registers to values");
	if (value->n > REGISTERS_MAX)
		return ynode_error(value, reader->errors, "more than %u registers", REGISTERS_MAX);
	registers = arena_alloc(reader->arena, value->n * sizeof(*registers));
	if (!registers)
		return -ENOMEM;
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++) {
		err = worse(err, read_text(reader, &value->keys[i], &registers[i].name));
		err = worse(err, keep_name(reader, NAME_REGISTER, &value->keys[i]));
		err = worse(err, read_size(reader, &value->items[i], &registers[i].value));
	}
	iommu->registers = registers;
	iommu->n_registers = value->n;
	return err;
}

static const struct field iommu_fields[] = {
	{ "type", read_type, offsetof(struct vfiosim_topo_iommu, type) },
	{ "aperture", read_range, offsetof(struct vfiosim_topo_iommu, aperture), true },
	{ "page_sizes", read_page_sizes, offsetof(struct vfiosim_topo_iommu, page_sizes) },
	{ "snoop_control", read_bool, offsetof(struct vfiosim_topo_iommu, snoop_control) },
	{ "registers", read_registers, 0 },
	{ "interrupt_remapping", read_bool, offsetof(struct vfiosim_topo_iommu, interrupt_remapping) },
	{ "reserved", read_iommu_resv, 0 },
	{ NULL },
};

static int read_iommu(struct topology_reader *reader, const struct ynode *key,
		      const struct ynode *value, struct vfiosim_topo_iommu *iommu)
{
	int err;

	*iommu = (struct vfiosim_topo_iommu){
		.type = "vt-d", .page_sizes = 0x40201000, .interrupt_remapping = true,
	};
	err = read_text(reader, key, &iommu->name);
	if (err)
		return err;
	if (!is_file_name(key->text))
		err = ynode_expected(key, reader->errors, "the name of an IOMMU");
	return worse(err, read_fields(reader, value, iommu_fields, NULL, iommu));
}

int read_iommus(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from names to IOMMUs");
	if (value->n > IOMMUS_MAX)
		return ynode_error(value, reader->errors, "more than %u IOMMUs", IOMMUS_MAX);
	reader->iommus = arena_alloc(reader->arena, value->n * sizeof(*reader->iommus));
	if (!reader->iommus)
		return -ENOMEM;
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_iommu(reader, &value->keys[i], &value->items[i],
					    &reader->iommus[reader->topology->n_iommus++]));
	return err;
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
		return ynode_expected(node, reader->errors, "a group's number (10, noiommu-0)");
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
		return ynode_expected(value, reader->errors, "the name of an IOMMU");
	for (size_t i = 0; i < n; i++) {
		names[i] = reader->iommus[i].name;
		if (!strcmp(names[i], value->text)) {
			group->iommu = (int)i;
			return 0;
		}
	}
	return ynode_error(value, reader->errors, "there is no IOMMU %s%s",
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

/* Room for one more; what was before stays where it was, too. */
static int groups_grow(struct topology_reader *reader, size_t n)
{
	size_t room = n ? 2 * n : 64;
	struct vfiosim_topo_group *groups;
	const struct ynode **nodes;

	if (n < reader->groups_room)
		return 0;
	groups = arena_alloc(reader->arena, room * sizeof(*groups));
	nodes = arena_alloc(reader->arena, room * sizeof(*nodes));
	if (!groups || !nodes)
		return -ENOMEM;
	if (n) {
		memcpy(groups, reader->groups, n * sizeof(*groups));
		memcpy(nodes, reader->group_nodes, n * sizeof(*nodes));
	}
	reader->groups = groups;
	reader->group_nodes = nodes;
	reader->groups_room = room;
	return 0;
}

static int add_group(struct topology_reader *reader, const struct ynode *node,
		     const struct vfiosim_topo_group *group, size_t *ret_index)
{
	size_t n = reader->topology->n_groups;

	if (n == GROUPS_MAX)
		return ynode_error(node, reader->errors, "more than %u groups", GROUPS_MAX);
	if (groups_grow(reader, n))
		return -ENOMEM;
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

static int read_group(struct topology_reader *reader, const struct ynode *key,
		      const struct ynode *value)
{
	struct vfiosim_topo_group group = { .iommu = -1 };
	size_t index;
	int err = read_group_name(reader, key, &group);

	if (err)
		return err;
	if (known_group(reader, &group))
		return ynode_error(key, reader->errors, "duplicate group %u", group.number);
	err = read_fields(reader, value, group_fields, NULL, &group);
	if (err == -ENOMEM)
		return err;
	if (!err && group.noiommu && group.iommu >= 0)
		err = ynode_error(key, reader->errors, "group %s cannot have an IOMMU", key->text);
	if (err && reader->topology->n_iommus && !group.noiommu && group.iommu < 0)
		group.iommu = 0;	/* any will do, so that its devices are not told */
	return worse(err, add_group(reader, key, &group, &index));
}

int read_groups(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from numbers to groups");
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_group(reader, &value->keys[i], &value->items[i]));
	return err;
}

/* The IOMMU of a group that only devices speak of: the machine's only one. */
static int imply_iommu(struct topology_reader *reader, const struct ynode *node,
		       enum vfiosim_device_kind kind, struct vfiosim_topo_group *group)
{
	size_t n = reader->topology->n_iommus;

	if (group->noiommu || kind == VFIOSIM_DEVICE_MDEV)
		return 0;
	if (!n)
		return ynode_error(node, reader->errors, "group %u has no IOMMU: there is none", group->number);
	if (n > 1)
		return ynode_error(node, reader->errors,
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
			return ynode_error(reader->device_nodes[i], reader->errors,
					   "%s is an mdev: its group is emulated, but group %s%u is not",
					   device->name, reader->groups[group].noiommu ? "noiommu-" : "",
					   reader->groups[group].number);
		if (reader->groups[group].noiommu && !reader->topology->noiommu &&
		    !strcmp(device->driver, "vfio-pci"))
			return ynode_error(reader->device_nodes[i], reader->errors,
					   "vfio-pci takes %s of group noiommu-%u only with enable_unsafe_noiommu_mode: yes",
					   device->name, reader->groups[group].number);
		if (first && (first->kind == VFIOSIM_DEVICE_MDEV || device->kind == VFIOSIM_DEVICE_MDEV))
			return ynode_error(reader->device_nodes[i], reader->errors,
					   "%s cannot share group %u with %s: an mdev is alone in its group",
					   device->name, reader->groups[group].number, first->name);
		first = first ? first : device;
	}
	if (!first)
		return ynode_error(reader->group_nodes[group], reader->errors, "group %u has no device",
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
	int err = 0;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		err = worse(err, check_members(reader, (int)i));
	if (err)
		return err;
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
