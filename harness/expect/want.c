/* SPDX-License-Identifier: MIT */
/* Maps, lists and values of expectations. See want.h. */
#include "expect/want.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "base/errors.h"
#include "base/nearest.h"
#include "base/value.h"
#include "report/words.h"

#define NAMES_MAX 256

/* ---- Maps and lists ---------------------------------------------------- */

static void *allocate(struct reader *reader, size_t n, size_t size)
{
	return arena_alloc(&reader->expect->arena, n * size);
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static int unknown_key(struct reader *reader, const struct ynode *node, const struct key *keys)
{
	const char *names[32];
	size_t n = 0;

	for (; keys->name && n < 31; keys++)
		names[n++] = keys->name;
	names[n] = NULL;
	return ynode_unknown(node, reader->errors, "key", names);
}

int want_keys(struct reader *reader, const struct ynode *node, const struct key *keys, void *to)
{
	int error = 0;

	if (node->kind != YNODE_MAP)
		return ynode_expected(node, reader->errors, "a map");
	for (size_t i = 0; i < node->n && error != -ENOMEM; i++) {
		const struct key *key = find_key(keys, node->keys[i].text);

		error = worse(error, key ? key->read(reader, &node->items[i],
						     (char *)to + key->offset) :
					   unknown_key(reader, &node->keys[i], keys));
	}
	return error;
}

int want_list(struct reader *reader, const struct ynode *node, const char *what, size_t size,
	      want_item *read, void *ret_items, size_t *ret_n)
{
	char *items;
	int error = 0;

	if (node->kind != YNODE_LIST)
		return ynode_expected(node, reader->errors, what);
	items = allocate(reader, node->n, size);
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < node->n; i++)
		error = worse(error, read(reader, &node->items[i], items + i * size));
	memcpy(ret_items, &items, sizeof(items));
	*ret_n = node->n;
	return error;
}

/* ---- Values ------------------------------------------------------------ */

int want_unknown(struct reader *reader, const struct ynode *node, const char *text,
		 const char *what, const char *const *names, size_t n)
{
	char near[160];

	return ynode_error(node, reader->errors, "unknown %s '%s'%s", what, text,
			   suggestion(text, names, n, near, sizeof(near)));
}

int want_device_name(struct reader *reader, const struct ynode *node, const char *name,
		     const char **ret_address)
{
	const struct vfiosim_topology *topology = reader->topology;
	int index = vfiosim_topology_device(topology, name);
	const char *names[NAMES_MAX];
	size_t n = 0;

	if (index >= 0) {
		*ret_address = topology->devices[index].address;
		return 0;
	}
	for (size_t i = 0; i < topology->n_devices && n < NAMES_MAX; i++)
		names[n++] = topology->devices[i].name;
	return want_unknown(reader, node, name, "device", names, n);
}

int want_device(struct reader *reader, const struct ynode *node, void *to)
{
	const char *name;
	int error = ynode_text(node, "a device", &name, reader->errors);

	return error ? error : want_device_name(reader, node, name, to);
}

int want_number(struct reader *reader, const struct ynode *node, void *to)
{
	struct number_want *want = to;

	want->node = node;
	return ynode_number(node, &want->value, reader->errors);
}

int want_count(struct reader *reader, const struct ynode *node, void *to)
{
	return ynode_number(node, to, reader->errors);
}

int want_text(struct reader *reader, const struct ynode *node, void *to)
{
	return ynode_text(node, "a text", to, reader->errors);
}

int want_devices(struct reader *reader, const struct ynode *node, void *to)
{
	struct name_list *names = to;

	names->node = node;
	return want_list(reader, node, "a list of devices", sizeof(*names->names), want_device,
			 &names->names, &names->n);
}

static bool is_file_name(const char *text)
{
	static const char *const kinds[] = { "container ", "group ", "iommufd " };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(text, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

/* "container 1", "group 10", "iommufd 1", or a device. */
static int read_open(struct reader *reader, const struct ynode *node, void *to)
{
	const char **name = to;
	int error = want_text(reader, node, to);

	return error || is_file_name(*name) ? error : want_device_name(reader, node, *name, name);
}

int want_opens(struct reader *reader, const struct ynode *node, void *to)
{
	struct name_list *names = to;

	names->node = node;
	return want_list(reader, node, "a list of what is open", sizeof(*names->names), read_open,
			 &names->names, &names->n);
}

/* ---- What is mapped ---------------------------------------------------- */

static bool parse_range(const char *text, struct span *ret_span)
{
	const char *dots = strstr(text, "..");
	char first[40];
	uint64_t from, last;

	if (!dots || (size_t)(dots - text) >= sizeof(first))
		return false;
	snprintf(first, sizeof(first), "%.*s", (int)(dots - text), text);
	if (!value_number(first, &from) || !value_number(dots + 2, &last) || from > last)
		return false;
	*ret_span = (struct span){ from, last };
	return true;
}

static size_t add_resv(struct what *what, size_t n, const struct vfiosim_resv *resv, size_t n_resv,
		       bool msi)
{
	for (size_t i = 0; i < n_resv; i++) {
		if (msi && resv[i].type != VFIOSIM_RESV_MSI && resv[i].type != VFIOSIM_RESV_SW_MSI)
			continue;
		if (what->spans)
			what->spans[n] = (struct span){ resv[i].range.first, resv[i].range.last };
		n++;
	}
	return n;
}

/* How many regions of the topology are reserved (@msi: for interrupts); into what->spans unless NULL. */
static size_t add_reserved(const struct vfiosim_topology *topology, struct what *what, bool msi)
{
	size_t n = 0;

	for (size_t i = 0; i < topology->n_iommus; i++)
		n = add_resv(what, n, topology->iommus[i].resv, topology->iommus[i].n_resv, msi);
	for (size_t i = 0; i < topology->n_groups; i++)
		n = add_resv(what, n, topology->groups[i].resv, topology->groups[i].n_resv, msi);
	for (size_t i = 0; i < topology->n_devices; i++)
		n = add_resv(what, n, topology->devices[i].resv, topology->devices[i].n_resv, msi);
	return n;
}

static int read_reserved(struct reader *reader, const struct ynode *node, struct what *what, bool msi)
{
	what->n = add_reserved(reader->topology, what, msi);
	if (!what->n)
		return ynode_error(node, reader->errors, "no range of topology %s is %s",
				   reader->topology->name, what->text);
	what->spans = allocate(reader, what->n, sizeof(*what->spans));
	if (!what->spans)
		return -ENOMEM;
	add_reserved(reader->topology, what, msi);
	return 0;
}

/* "mdev0.bar0" */
static int read_region(struct reader *reader, const struct ynode *node, struct what *what)
{
	const char *dot = strrchr(what->text, '.');
	char name[64];
	char end;

	what->kind = WHAT_REGION;
	if (!dot || (size_t)(dot - what->text) >= sizeof(name) ||
	    sscanf(dot, ".bar%1u%c", &what->region, &end) != 1 || what->region > 5)
		return ynode_expected(node, reader->errors,
				      "ram, msi, reserved, DEVICE.barN or FIRST..LAST");
	snprintf(name, sizeof(name), "%.*s", (int)(dot - what->text), what->text);
	return want_device_name(reader, node, name, &what->device);
}

int want_what(struct reader *reader, const struct ynode *node, void *to)
{
	struct what *what = to;
	struct span span;
	int error = ynode_text(node, "a range, or what is mapped", &what->text, reader->errors);

	if (error)
		return error;
	if (!strcmp(what->text, "ram")) {
		what->kind = WHAT_RAM;
		return 0;
	}
	if (!strcmp(what->text, "msi") || !strcmp(what->text, "reserved"))
		return read_reserved(reader, node, what, !strcmp(what->text, "msi"));
	if (!parse_range(what->text, &span))
		return read_region(reader, node, what);
	what->spans = allocate(reader, 1, sizeof(*what->spans));
	if (!what->spans)
		return -ENOMEM;
	*what->spans = span;
	what->n = 1;
	what->whole = true;
	return 0;
}

int want_whats(struct reader *reader, const struct ynode *node, void *to)
{
	struct what_list *list = to;

	list->node = node;
	return want_list(reader, node, "a list of what is mapped", sizeof(*list->items), want_what,
			 &list->items, &list->n);
}
