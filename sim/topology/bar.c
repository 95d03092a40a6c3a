/* SPDX-License-Identifier: MIT */
/* The keys bars: and msix: of a device or a model, and whether they fit together. */
#include "topology/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/value.h"

static int read_pin(struct topology_reader *reader, const struct ynode *value, void *to)
{
	static const struct word words[] = {
		{ "pfnmap", VFIOSIM_PIN_PFNMAP },
		{ "pages", VFIOSIM_PIN_PAGES },
		{ "never", VFIOSIM_PIN_NEVER },
		{ NULL, 0 },
	};
	enum vfiosim_pin *pin = to;
	int word, err = read_word(reader, value, words, &word);

	if (!err)
		*pin = (enum vfiosim_pin)word;
	return err;
}

static int read_registers(struct topology_reader *reader, const struct ynode *value, void *to)
{
	static const struct word words[] = { { "memory", 0 }, { "engine", 1 }, { NULL, 0 } };
	const char **registers = to;
	int word, err = read_word(reader, value, words, &word);

	if (!err)
		*registers = words[word].word;
	return err;
}

static const struct field bar_fields[] = {
	{ "size", read_power, offsetof(struct vfiosim_topo_bar, size) },
	{ "io", read_bool, offsetof(struct vfiosim_topo_bar, io) },
	{ "64bit", read_bool, offsetof(struct vfiosim_topo_bar, is64) },
	{ "prefetch", read_bool, offsetof(struct vfiosim_topo_bar, prefetch) },
	{ "mmap", read_bool, offsetof(struct vfiosim_topo_bar, mmap) },
	{ "pin", read_pin, offsetof(struct vfiosim_topo_bar, pin) },
	{ "registers", read_registers, offsetof(struct vfiosim_topo_bar, registers) },
	{ NULL },
};

/* What a BAR cannot be, whatever stands around it; NULL: it is fine. */
static const char *bar_problem(const struct vfiosim_topo_bar *bar)
{
	if (!bar->size)
		return bar->mmap || bar->io || bar->is64 ? "a BAR that is there has a size" : NULL;
	if (bar->io && (bar->is64 || bar->prefetch || bar->mmap))
		return "a BAR of I/O ports is neither 64bit nor prefetch nor mmap";
	if (bar->io && (bar->size < 4 || bar->size > 256))
		return "a BAR of I/O ports has 4 to 256 bytes";
	if (!bar->io && bar->size < 16)
		return "a memory BAR has at least 16 bytes";
	if (bar->mmap && bar->size < 4096)
		return "a BAR that can be mapped has at least one page, 4K";
	if (!bar->io && !bar->is64 && bar->size > UINT64_C(1) << 31)
		return "a BAR above 2G must be 64bit";
	if (bar->size > UINT64_C(1) << 39)
		return "a BAR has at most 512G";
	return NULL;
}

static int read_bar(struct topology_reader *reader, const struct ynode *key,
		    const struct ynode *value, struct vfiosim_topo_device *device)
{
	const char *problem;
	uint64_t index;
	int err;

	if (!value_number(key->text, &index) || index > 5)
		return ynode_expected(key, reader->errors, "the number of a BAR, 0 to 5");
	err = read_fields(reader, value, bar_fields, NULL, &device->bars[index]);
	problem = err ? NULL : bar_problem(&device->bars[index]);
	if (problem)
		err = ynode_error(key, reader->errors, "BAR %s: %s", key->text, problem);
	return err;
}

int read_bars(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;

	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from 0..5 to BARs");
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_bar(reader, &value->keys[i], &value->items[i], device));
	return err;
}

static const struct field msix_fields[] = {
	{ "vectors", read_u16, offsetof(struct vfiosim_topo_device, msix), true },
	{ "bar", read_u8, offsetof(struct vfiosim_topo_device, msix_bar), true },
	{ "table", read_size, offsetof(struct vfiosim_topo_device, msix_table), true },
	{ "pba", read_size, offsetof(struct vfiosim_topo_device, msix_pba), true },
	{ NULL },
};

int read_msix(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_fields(reader, value, msix_fields, NULL, device);

	if (!err && (!device->msix || device->msix > 2048))
		err = ynode_expected(ynode_get(value, "vectors"), reader->errors, "1 to 2048 vectors");
	if (!err && device->msix_bar > 5)
		err = ynode_expected(ynode_get(value, "bar"), reader->errors, "the number of a BAR, 0 to 5");
	return err;
}

static const char *msix_problem(const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topo_bar *bar = &device->bars[device->msix_bar];
	uint64_t table = 16u * device->msix, pba = (device->msix + 63u) / 64 * 8;

	if (!bar->size || bar->io)
		return "its BAR is not a memory BAR of this device";
	if (device->msix_table % 8 || device->msix_pba % 8)
		return "table and pba are multiples of 8";
	if (device->msix_table > bar->size || bar->size - device->msix_table < table)
		return "the table does not fit into its BAR";
	if (device->msix_pba > bar->size || bar->size - device->msix_pba < pba)
		return "the pba does not fit into its BAR";
	if (device->msix_table < device->msix_pba + pba && device->msix_pba < device->msix_table + table)
		return "table and pba overlap";
	return NULL;
}

int check_bars(struct topology_reader *reader, const struct ynode *map,
	       const struct vfiosim_topo_device *device)
{
	const struct ynode *bars = ynode_get(map, "bars"), *msix = ynode_get(map, "msix");
	const char *problem;

	for (unsigned i = 0; i < 6; i++) {
		if (!device->bars[i].size || !device->bars[i].is64)
			continue;
		if (i == 5 || device->bars[i + 1].size)
			return ynode_error(bars ? bars : map, reader->errors,
					   "BAR %u is 64bit and takes the place of BAR %u, %s", i,
					   i + 1, i == 5 ? "which does not exist" : "which has a size");
	}
	problem = device->msix ? msix_problem(device) : NULL;
	if (problem)
		return ynode_error(msix ? msix : map, reader->errors, "msix: %s", problem);
	return 0;
}
