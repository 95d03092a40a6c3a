/* SPDX-License-Identifier: MIT */
/* The rows models:, mdev_types: and devices: of a topology. */
#include "topology/read.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "topology/value.h"

/* ---- Models ---- */

/* Devices everybody knows: what they are, as a `models:` row of a file would say it. */
static const char shared_models[] =
	"host-bridge: {kind: bridge, id: 8086:29c0, subsystem: 1af4:1100, class: 0x060000}\n"
	"root-port: {kind: bridge, id: 1b36:000c, subsystem: 1b36:0000, class: 0x060400, pcie: yes,\n"
	"  bars: {0: {size: 4K, mmap: yes}}, msi: 1, host_driver: pcieport}\n"
	"pcie-pci-bridge: {kind: bridge, id: 1b36:000e, subsystem: 1b36:0000, class: 0x060400,\n"
	"  pcie: yes, bars: {0: {size: 256, 64bit: yes}}}\n"
	"expander-bridge: {kind: bridge, id: 1b36:000b, subsystem: 1af4:1100, class: 0x060000}\n"
	"lpc: {id: 8086:2918, subsystem: 1af4:1100, class: 0x060100, revision: 2}\n"
	"ahci: {id: 8086:2922, subsystem: 1af4:1100, class: 0x010601, revision: 2, intx: 1, msi: 1,\n"
	"  bars: {4: {size: 32, io: yes}, 5: {size: 4K, mmap: yes}}}\n"
	"smbus: {id: 8086:2930, subsystem: 1af4:1100, class: 0x0c0500, revision: 2, intx: 1,\n"
	"  bars: {4: {size: 64, io: yes}}, host_driver: i801_smbus}\n"
	"virtio-9p: {id: 1af4:1009, subsystem: 1af4:0009, class: 0x000200, intx: 1,\n"
	"  bars: {0: {size: 64, io: yes}, 1: {size: 4K, mmap: yes},\n"
	"         4: {size: 16K, 64bit: yes, prefetch: yes, mmap: yes}},\n"
	"  msix: {vectors: 2, bar: 1, table: 0, pba: 0x800}, host_driver: virtio-pci}\n"
	"e1000e: {id: 8086:10d3, subsystem: 8086:0000, class: 0x020000, intx: 1, pcie: yes, flr: yes,\n"
	"  msi: 1, rom: 256K, msix: {vectors: 5, bar: 3, table: 0, pba: 0x2000},\n"
	"  bars: {0: {size: 128K, mmap: yes}, 1: {size: 128K, mmap: yes},\n"
	"         2: {size: 32, io: yes}, 3: {size: 16K, mmap: yes}}, host_driver: e1000e}\n"
	"nvme: {id: 1b36:0010, subsystem: 1af4:1100, class: 0x010802, revision: 2, intx: 1, pcie: yes,\n"
	"  flr: yes, sriov: yes, bars: {0: {size: 16K, 64bit: yes, mmap: yes}},\n"
	"  msix: {vectors: 6, bar: 0, table: 0x2000, pba: 0x3000}, host_driver: nvme}\n"
	"edu: {id: 1234:11e8, subsystem: 1af4:1100, class: 0x00ff00, revision: 0x10, intx: 1, msi: 1,\n"
	"  bus_reset: yes, bars: {0: {size: 1M, mmap: yes}}}\n"
	"mtty: {kind: mdev, vendor_model: mtty, id: 4348:3253, class: 0x070002, revision: 0x10,\n"
	"  intx: 1, flr: yes}\n"
	"mdpy: {kind: mdev, vendor_model: mdpy, id: 1b36:000f, class: 0x030000, flr: yes}\n";

static int read_kind(struct topology_reader *reader, const struct ynode *value, void *to)
{
	static const struct word words[] = {
		{ "pci", VFIOSIM_DEVICE_PCI },
		{ "bridge", VFIOSIM_DEVICE_BRIDGE },
		{ "mdev", VFIOSIM_DEVICE_MDEV },
		{ NULL, 0 },
	};
	struct vfiosim_topo_device *device = to;
	int word, err = read_word(reader, value, words, &word);

	if (!err)
		device->kind = (enum vfiosim_device_kind)word;
	return err;
}

static int read_ids(struct topology_reader *reader, const struct ynode *value, uint16_t *first,
		    uint16_t *second)
{
	if (value->kind != YNODE_SCALAR || !value_ids(value->text, first, second))
		return ynode_expected(value, reader->errors, "VENDOR:DEVICE, each four hex digits");
	return 0;
}

static int read_id(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;

	return read_ids(reader, value, &device->vendor, &device->device);
}

static int read_subsystem(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;

	return read_ids(reader, value, &device->subvendor, &device->subdevice);
}

static int read_class(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_u32(reader, value, &device->class_code);

	if (!err && device->class_code > 0xffffff)
		err = ynode_expected(value, reader->errors, "a class of three bytes (0x020000)");
	return err;
}

static int read_intx(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_u8(reader, value, &device->intx_pin);

	if (!err && device->intx_pin > 4)
		err = ynode_expected(value, reader->errors, "0 (none) or 1 to 4 (INTA to INTD)");
	return err;
}

static int read_msi(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_u16(reader, value, &device->msi);

	if (!err && (device->msi > 32 || (device->msi & (device->msi - 1))))
		err = ynode_expected(value, reader->errors, "0, 1, 2, 4, 8, 16 or 32 vectors");
	return err;
}

static int read_serial_number(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;

	return ynode_number(value, &device->serial_number, reader->errors);
}

static int read_rom(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_power(reader, value, &device->rom);

	if (!err && device->rom && (device->rom < 2048 || device->rom > 16u << 20))
		err = ynode_expected(value, reader->errors, "a ROM of 2K to 16M");
	return err;
}

static int read_vendor_model(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;
	int err = read_text(reader, value, &device->vendor_model);

	return err ? err : keep_name(reader, NAME_VENDOR_MODEL, value);
}

static int read_driver(struct topology_reader *reader, const struct ynode *value, void *to)
{
	const char **driver = to;
	int err = read_text(reader, value, driver);

	if (!err && **driver && !is_file_name(*driver))
		err = ynode_expected(value, reader->errors, "the name of a driver");
	return err;
}

static int read_host_driver(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = read_driver(reader, value, to);

	return err ? err : keep_name(reader, NAME_HOST_DRIVER, value);
}

#define AT(member_) offsetof(struct vfiosim_topo_device, member_)

static const struct field model_fields[] = {
	{ "kind", read_kind, 0 },
	{ "id", read_id, 0 },
	{ "subsystem", read_subsystem, 0 },
	{ "class", read_class, 0 },
	{ "revision", read_u8, AT(revision) },
	{ "intx", read_intx, 0 },
	{ "pcie", read_bool, AT(pcie) },
	{ "flr", read_bool, AT(flr) },
	{ "sriov", read_bool, AT(sriov) },
	{ "serial_number", read_serial_number, 0 },
	{ "bus_reset", read_bool, AT(bus_reset) },
	{ "msi", read_msi, 0 },
	{ "msi_maskable", read_bool, AT(msi_maskable) },
	{ "bars", read_bars, 0 },
	{ "msix", read_msix, 0 },
	{ "rom", read_rom, 0 },
	{ "rom_image", read_bool, AT(rom_image) },
	{ "vendor_model", read_vendor_model, 0 },
	{ "host_driver", read_host_driver, AT(host_driver) },
	{ NULL },
};

static void device_defaults(struct vfiosim_topo_device *device)
{
	*device = (struct vfiosim_topo_device){
		.name = "", .address = "", .model = "", .parent = "", .driver = "", .host_driver = "",
		.vendor_model = "", .mdev_type = "", .group = -1,
		.rom_image = true,
	};
	for (unsigned i = 0; i < 6; i++)
		device->bars[i].registers = "memory";
}

static struct topology_model *find_model(struct topology_reader *reader, const char *name)
{
	for (struct topology_model *model = reader->models; model; model = model->next)
		if (!strcmp(model->name, name))
			return model;
	return NULL;
}

static int read_model(struct topology_reader *reader, const struct ynode *key,
		      const struct ynode *value)
{
	struct topology_model *model = arena_alloc(reader->arena, sizeof(*model));
	int err;

	if (!model)
		return -ENOMEM;
	device_defaults(&model->device);
	err = read_text(reader, key, &model->name);
	if (err)
		return err;
	err = read_fields(reader, value, model_fields, NULL, &model->device);
	if (!err)
		err = check_bars(reader, value, &model->device);
	model->broken = err;
	model->device.model = model->name;
	model->next = reader->models;	/* newest first: a file's own hide the shared */
	reader->models = model;
	return err;
}

int read_models(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from names to models");
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_model(reader, &value->keys[i], &value->items[i]));
	return err;
}

int read_shared_models(struct topology_reader *reader)
{
	const struct ynode *root;
	int err = yaml_parse("(shared models)", shared_models, sizeof(shared_models) - 1,
			     reader->scratch, &root, reader->errors);

	return err ? err : read_models(reader, root, NULL);
}

static int read_model_name(struct topology_reader *reader, const struct ynode *value,
			   const struct topology_model **ret_model)
{
	const char *names[128];
	size_t n = 0;
	char hint[100], found[80];

	*ret_model = value->kind == YNODE_SCALAR ? find_model(reader, value->text) : NULL;
	if (*ret_model)
		return 0;
	for (struct topology_model *model = reader->models; model && n < 128; model = model->next)
		names[n++] = model->name;
	return ynode_error(value, reader->errors, "there is no model %s%s",
			   ynode_found(value, found, sizeof(found)),
			   value->kind == YNODE_SCALAR ?
			   suggestion(value->text, names, n, hint, sizeof(hint)) : "");
}

/* ---- Types of mdevs ---- */

static int read_type_model(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_mdev_type *type = to;
	const struct topology_model *model;
	int err = read_model_name(reader, value, &model);

	if (err)
		return err;
	if (model->broken)
		return -EINVAL;
	if (model->device.kind != VFIOSIM_DEVICE_MDEV)
		return ynode_error(value, reader->errors, "model %s is not of kind: mdev", model->name);
	type->model = model->name;
	type->vendor_model = model->device.vendor_model;
	type->prototype = &model->device;
	return 0;
}

#define TYPE_AT(member_) offsetof(struct vfiosim_topo_mdev_type, member_)

static const struct field type_fields[] = {
	{ "parent", read_text, TYPE_AT(parent), true },
	{ "name", read_text, TYPE_AT(pretty_name) },
	{ "description", read_text, TYPE_AT(description) },
	{ "model", read_type_model, 0, true },
	{ "instances", read_u32, TYPE_AT(instances) },
	{ "capacity", read_u32, TYPE_AT(capacity), true },
	{ NULL },
};

static int check_type(struct topology_reader *reader, const struct ynode *key,
		      const struct vfiosim_topo_mdev_type *type)
{
	if (!*type->vendor_model)
		return ynode_error(key, reader->errors, "model %s has no vendor_model", type->model);
	if (!type->instances || type->instances > type->capacity)
		return ynode_error(key, reader->errors, "instances is 1 up to capacity, %u", type->capacity);
	if (!is_file_name(type->parent) || !is_file_name(type->name))
		return ynode_error(key, reader->errors, "a type and its parent are names of folders in sysfs");
	if (!strcmp(type->parent, "vfio") || !strcmp(type->parent, "iommu"))
		return ynode_error(key, reader->errors, "'%s' is a folder of devices/virtual already", type->parent);
	for (size_t i = 0; i < reader->topology->n_mdev_types - 1; i++)
		if (reader->types[i].prototype && !strcmp(reader->types[i].parent, type->parent) &&
		    reader->types[i].capacity != type->capacity)
			return ynode_error(key, reader->errors, "capacity is that of %s: %u under %s",
					   type->parent, reader->types[i].capacity,
					   reader->types[i].name);
	return 0;
}

static int read_type(struct topology_reader *reader, const struct ynode *key,
		     const struct ynode *value, struct vfiosim_topo_mdev_type *type)
{
	int err;

	*type = (struct vfiosim_topo_mdev_type){
		.name = "", .parent = "", .pretty_name = "", .description = "", .instances = 1,
	};
	err = read_text(reader, key, &type->name);
	if (!err)
		err = read_fields(reader, value, type_fields, NULL, type);
	if (!err)
		err = check_type(reader, key, type);
	if (err)
		type->prototype = NULL;
	return err;
}

int read_types(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from names to types");
	if (value->n > TYPES_MAX)
		return ynode_error(value, reader->errors, "more than %u types", TYPES_MAX);
	reader->types = arena_alloc(reader->arena, value->n * sizeof(*reader->types));
	if (!reader->types)
		return -ENOMEM;
	for (size_t i = 0; i < value->n && err != -ENOMEM; i++)
		err = worse(err, read_type(reader, &value->keys[i], &value->items[i],
					   &reader->types[reader->topology->n_mdev_types++]));
	return err;
}

static const struct vfiosim_topo_mdev_type *find_type(struct topology_reader *reader,
						      const char *name)
{
	for (size_t i = 0; i < reader->topology->n_mdev_types; i++)
		if (!strcmp(reader->types[i].name, name))
			return &reader->types[i];
	return NULL;
}

/* ---- Devices ---- */

/* `model:` and `type:` are looked at before everything else; nothing is left to do. */
static int read_device_resv(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_topo_device *device = to;

	return read_resv_list(reader, value, &device->resv, &device->n_resv);
}

static const struct field device_fields[] = {
	{ "model", NULL, 0 },
	{ "type", NULL, 0 },
	{ "address", read_text, AT(address), true },
	{ "group", NULL, 0 },
	{ "parent", read_text, AT(parent) },
	{ "driver", read_driver, AT(driver) },
	{ "reserved", read_device_resv, 0 },
	{ NULL },
};

static int start_from_type(struct topology_reader *reader, const struct ynode *value,
			   struct vfiosim_topo_device *device)
{
	const struct vfiosim_topo_mdev_type *type = NULL;
	char found[80];

	if (value->kind == YNODE_SCALAR)
		type = find_type(reader, value->text);
	if (!type)
		return ynode_error(value, reader->errors, "%s is not under mdev_types:",
				   ynode_found(value, found, sizeof(found)));
	if (!type->prototype)
		return -EINVAL;	/* the type is broken, and that is told */
	*device = *type->prototype;
	device->mdev_type = type->name;
	device->parent = type->parent;
	return 0;
}

/* What a device is before its own keys: nothing, its model, or its type's model. */
static int start_device(struct topology_reader *reader, const struct ynode *map,
			struct vfiosim_topo_device *device)
{
	const struct ynode *model_node = ynode_get(map, "model"), *type_node = ynode_get(map, "type");
	const struct topology_model *model;
	int err;

	if (model_node && type_node)
		return ynode_error(model_node, reader->errors, "'type' says the model already");
	if (type_node)
		return start_from_type(reader, type_node, device);
	if (!model_node)
		return 0;
	err = read_model_name(reader, model_node, &model);
	if (err)
		return err;
	*device = model->device;
	return model->broken ? -EINVAL : 0;
}

static int check_pci(struct topology_reader *reader, const struct ynode *map,
		     const struct vfiosim_topo_device *device)
{
	const struct ynode *driver = ynode_get(map, "driver");

	if (!value_pci_address(device->address))
		return ynode_expected(ynode_get(map, "address"), reader->errors,
				      "a PCI address in lower case (0000:01:00.0)");
	if (!device->vendor)
		return ynode_error(map, reader->errors, "%s has no id: say model: or id:", device->name);
	if (!strcmp(device->driver, "vfio-pci") && device->kind == VFIOSIM_DEVICE_BRIDGE)
		return ynode_error(driver, reader->errors, "vfio-pci does not drive bridges");
	if (!strcmp(device->driver, "vfio-pci") && device->group < 0)
		return ynode_error(driver, reader->errors, "vfio-pci needs a device that is in a group");
	return *device->driver ? keep_name(reader, NAME_DRIVER, driver) : 0;
}

static int check_mdev(struct topology_reader *reader, const struct ynode *map,
		      struct vfiosim_topo_device *device)
{
	char *uuid;

	if (!value_uuid(device->address))
		return ynode_expected(ynode_get(map, "address"), reader->errors,
				      "a UUID (83b8f4f2-509f-382f-3c1e-e6bfe0fa1001)");
	if (!*device->vendor_model)
		return ynode_error(map, reader->errors, "%s is an mdev without vendor_model", device->name);
	if (!*device->mdev_type)
		return ynode_error(map, reader->errors, "'type' is missing here: mdevs are made of a type");
	if (device->group < 0)
		return ynode_error(map, reader->errors, "'group' is missing here");
	uuid = arena_text(reader->arena, device->address, strlen(device->address));
	if (!uuid)
		return -ENOMEM;
	for (char *at = uuid; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	device->address = uuid;
	if (*device->driver && strcmp(device->driver, device->parent))
		return ynode_error(ynode_get(map, "driver"), reader->errors,
				   "an mdev is driven by its parent, %s", device->parent);
	device->driver = device->parent;
	return 0;
}

/* The parent stands above its children in the file, and is a bridge. */
static int check_parent(struct topology_reader *reader, const struct ynode *map,
			const struct vfiosim_topo_device *device)
{
	size_t n = reader->topology->n_devices;
	const struct ynode *node = ynode_get(map, "parent");

	if (!*device->parent || device->kind == VFIOSIM_DEVICE_MDEV)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(reader->devices[i].address, device->parent))
			continue;
		if (reader->devices[i].kind == VFIOSIM_DEVICE_BRIDGE)
			return 0;
		return ynode_error(node, reader->errors, "the parent %.40s is not a bridge", device->parent);
	}
	return ynode_error(node, reader->errors, "no device above this one has the address '%.60s'",
			   device->parent);
}

/* Room left in the machine's capacity for the mdevs that exist from the start. */
static int check_capacity(struct topology_reader *reader, const struct ynode *map,
			  const struct vfiosim_topo_device *device)
{
	uint64_t used = 0;
	const struct vfiosim_topo_mdev_type *type;

	if (device->kind != VFIOSIM_DEVICE_MDEV)
		return 0;
	type = find_type(reader, device->mdev_type);
	for (size_t i = 0; i <= reader->topology->n_devices; i++) {
		const struct vfiosim_topo_device *other = &reader->devices[i];

		if (*other->mdev_type && !strcmp(other->parent, type->parent))
			used += find_type(reader, other->mdev_type)->instances;
	}
	if (used > type->capacity)
		return ynode_error(map, reader->errors, "%s has room for %u instances, here is number %llu",
				   type->parent, type->capacity, (unsigned long long)used);
	return 0;
}

static int check_unique(struct topology_reader *reader, const struct ynode *map,
			const struct vfiosim_topo_device *device)
{
	for (size_t i = 0; i < reader->topology->n_devices; i++)
		if (!strcmp(reader->devices[i].address, device->address))
			return ynode_error(ynode_get(map, "address"), reader->errors,
					   "%s has the address %s already", reader->devices[i].name,
					   device->address);
	return 0;
}

/* Whether what a device says of itself fits together, and fits the others. */
static int check_device(struct topology_reader *reader, const struct ynode *map,
			struct vfiosim_topo_device *device)
{
	int err = device->kind == VFIOSIM_DEVICE_MDEV ? check_mdev(reader, map, device) :
							check_pci(reader, map, device);

	if (err)
		return err;
	err = check_bars(reader, map, device);
	err = worse(err, check_unique(reader, map, device));
	err = worse(err, check_parent(reader, map, device));
	return worse(err, check_capacity(reader, map, device));
}

static int read_device(struct topology_reader *reader, const struct ynode *key,
		       const struct ynode *map, struct vfiosim_topo_device *device)
{
	const struct ynode *group = ynode_get(map, "group");
	int err;

	device_defaults(device);
	if (!*key->text)
		return ynode_expected(key, reader->errors, "the name of a device");
	if (map->kind != YNODE_MAP)
		return ynode_expected(map, reader->errors, "a map of keys and values");
	err = start_device(reader, map, device);
	if (err)
		group = NULL;	/* what it is behind cannot be told from its kind */
	err = worse(err, read_text(reader, key, &device->name));
	if (err != -ENOMEM)
		err = worse(err, read_fields(reader, map, device_fields, model_fields, device));
	device->line = key->line;
	if (group && err != -ENOMEM)
		err = worse(err, find_group(reader, group, device->kind, &device->group));
	return err ? err : check_device(reader, map, device);
}

int read_devices(struct topology_reader *reader, const struct ynode *value, void *to)
{
	int err = 0;

	if (value->kind != YNODE_MAP)
		return ynode_expected(value, reader->errors, "a map from names to devices");
	if (value->n > DEVICES_MAX)
		return ynode_error(value, reader->errors, "more than %u devices", DEVICES_MAX);
	reader->devices = arena_alloc(reader->arena, value->n * sizeof(*reader->devices));
	reader->device_nodes = arena_alloc(reader->arena, value->n * sizeof(*reader->device_nodes));
	if (!reader->devices || !reader->device_nodes)
		return -ENOMEM;
	for (size_t n = 0; n < value->n && err != -ENOMEM; n++) {
		reader->device_nodes[n] = &value->keys[n];
		err = worse(err, read_device(reader, &value->keys[n], &value->items[n],
					     &reader->devices[n]));
		reader->topology->n_devices++;
	}
	return err;
}
