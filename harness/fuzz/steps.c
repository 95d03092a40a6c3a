/* SPDX-License-Identifier: MIT */
#include "fuzz/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <vfiosim/engine.h>

#include "fuzz/request.h"

#define REGION(index_) ((uint64_t)(index_) << 40)	/* VFIO_PCI_INDEX_TO_OFFSET */
#define MEMFD_SIZE (16 * PAGE)
#define ALL_KINDS UINT32_MAX

/* ---- Files --------------------------------------------------------------- */

static uint64_t newest(json_object *list)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < json_length(list); i++)
		if (json_u64(json_at(list, i), "number") > newest)
			newest = json_u64(json_at(list, i), "number");
	return newest;
}

/* The number that a container or iommufd has in the picture is known once it was opened. */
static void hold_numbered(struct world *world, struct program *program, const char *path,
			  unsigned kind, const char *list)
{
	struct opened *file;
	int fd;

	world_doing(world, "program %u: open %s", program->number, path);
	fd = world->target->ops->open(program->proc, path);
	world_answered(world, fd);
	file = fd < 0 ? NULL : file_add(world, kind);
	if (fd < 0)
		return;
	world_look(world);
	if (file)
		file->number = newest(json_list(world->picture, list));
	hold(world, program, fd, file);
}

static void hold_named(struct world *world, struct program *program, const char *path,
		       unsigned kind, const char *name)
{
	struct opened *file;
	int fd;

	world_doing(world, "program %u: open %s", program->number, path);
	fd = world->target->ops->open(program->proc, path);
	world_answered(world, fd);
	if (fd < 0)
		return;
	file = file_add(world, kind);
	if (file) {
		file->cdev = kind == VFIOSIM_DEVICE;
		snprintf(file->name, sizeof(file->name), "%s", name);
	}
	hold(world, program, fd, file);
}

static bool has_vfio_device(const struct world *world, json_object *group)
{
	json_object *addresses = json_list(group, "devices");

	for (size_t i = 0; i < json_length(addresses); i++)
		if (json_has(json_find_text(json_list(world->picture, "devices"), "address",
					    json_object_get_string(json_at(addresses, i))), "cdev"))
			return true;
	return false;
}

/* One that is not open, and has a device to open, where there is such a one. */
static void open_group(struct world *world, struct program *program, struct choices *choices)
{
	json_object *groups = json_list(world->picture, "groups"), *group = NULL;
	char path[64];

	for (int i = 0; i < 8; i++) {
		group = json_pick(groups, choices);
		if (!json_true(group, "open") && has_vfio_device(world, group))
			break;
	}
	snprintf(path, sizeof(path), "/dev/vfio/%s", json_text(group, "node"));
	hold_named(world, program, path, VFIOSIM_GROUP, json_text(group, "node"));
}

static void open_cdev(struct world *world, struct program *program, struct choices *choices)
{
	json_object *devices = json_list(world->picture, "devices"), *device = NULL;
	char path[64];

	for (int i = 0; i < 8; i++) {
		device = json_pick(devices, choices);
		if (json_has(device, "cdev") && !json_u64(device, "open"))
			break;
	}
	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%ju",
		 (uintmax_t)json_u64(device, "cdev"));
	hold_named(world, program, path, VFIOSIM_DEVICE, json_text(device, "address"));
}

/* First what others go into. */
static void do_open(struct world *world, struct program *program, struct choices *choices)
{
	uint64_t which = choose(choices, 8);

	if (which > 1 && which % 2 && !any_held(program, VFIOSIM_CONTAINER, choices))
		which = 0;
	else if (which > 1 && !any_held(program, VFIOSIM_IOMMUFD, choices))
		which = 1;
	switch (which) {
	case 0:
		hold_numbered(world, program, "/dev/vfio/vfio", VFIOSIM_CONTAINER, "containers");
		break;
	case 1:
		hold_numbered(world, program, "/dev/iommu", VFIOSIM_IOMMUFD, "iommufds");
		break;
	case 2:
	case 3:
	case 4:
		open_cdev(world, program, choices);
		break;
	default:
		open_group(world, program, choices);
	}
}

static void do_close(struct world *world, struct program *program, struct choices *choices)
{
	struct held *held = any_held(program, ALL_KINDS, choices);

	if (!held)
		return;
	world_doing(world, "program %u: close %d", program->number, held->fd);
	world_answered(world, world->target->ops->close(program->proc, held->fd));
	drop(program, held);
}

static void do_dup(struct world *world, struct program *program, struct choices *choices)
{
	struct held *held = any_held(program, ALL_KINDS, choices);
	int fd;

	if (!held)
		return;
	world_doing(world, "program %u: dup %d", program->number, held->fd);
	fd = world->target->ops->dup(program->proc, held->fd);
	world_answered(world, fd);
	if (fd >= 0)
		hold(world, program, fd, held->file);
}

static void do_send(struct world *world, struct program *program, struct choices *choices)
{
	struct program *to = any_program(world, choices);
	struct held *held = any_held(program, ALL_KINDS, choices);
	int fd;

	if (!held)
		return;
	world_doing(world, "program %u: send %d to program %u", program->number, held->fd,
		    to->number);
	fd = world->target->ops->send(program->proc, held->fd, to->proc);
	world_answered(world, fd);
	if (fd >= 0)
		hold(world, to, fd, held->file);
}

static void do_eventfd(struct world *world, struct program *program, struct choices *choices)
{
	bool memory = one_in(choices, 2);
	int fd;

	world_doing(world, "program %u: %s", program->number, memory ? "memfd" : "eventfd");
	fd = memory ? world->target->ops->memfd(program->proc, MEMFD_SIZE, one_in(choices, 3)) :
		      world->target->ops->eventfd(program->proc);
	world_answered(world, fd);
	if (fd >= 0)
		hold(world, program, fd, file_add(world, memory ? KIND_MEMFD : KIND_EVENTFD));
}

static void do_event(struct world *world, struct program *program, struct choices *choices)
{
	struct held *held = any_held(program, KIND_EVENTFD, choices);

	if (!held)
		return;
	world_doing(world, "program %u: read the events of %d", program->number, held->fd);
	world_answered(world, world->target->ops->event_read(program->proc, held->fd));
}

/* ---- Memory -------------------------------------------------------------- */

static void do_mmap(struct world *world, struct program *program, struct choices *choices)
{
	static const enum memory_kind kinds[] = {
		MEMORY_RAM, MEMORY_RAM, MEMORY_RAM, MEMORY_RAM, MEMORY_SHARED, MEMORY_SHARED,
		MEMORY_READONLY, MEMORY_FILE, MEMORY_NONE, MEMORY_BEYOND,
	};
	enum memory_kind kind = kinds[choose(choices, sizeof(kinds) / sizeof(kinds[0]))];
	uint64_t length = choose_between(choices, 1, 32) * PAGE, uva;
	int error;

	if (one_in(choices, 16))	/* costs no more: nobody touches it */
		length = UINT64_C(1) << choose_between(choices, 20, 40);
	world_doing(world, "program %u: mmap %#" PRIx64 " bytes of kind %d", program->number,
		    length, kind);
	error = world->target->ops->mmap(program->proc, kind, length, &uva);
	world_answered(world, error ? error : (int64_t)uva);
	if (!error)
		remember_memory(program, uva, length, false);
}

static void do_mmap_fd(struct world *world, struct program *program, struct choices *choices)
{
	struct held *held = any_held(program, VFIOSIM_DEVICE, choices);
	uint64_t length = choose_between(choices, 1, 4) * PAGE, uva, offset;
	int error;

	if (!held)
		held = any_held(program, ALL_KINDS, choices);
	if (!held)
		return;
	offset = REGION(choose(choices, 6)) + (one_in(choices, 2) ? choose(choices, 16) * PAGE : 0);
	world_doing(world, "program %u: mmap %#" PRIx64 " bytes of %d at %#" PRIx64,
		    program->number, length, held->fd, offset);
	error = world->target->ops->mmap_fd(program->proc, held->fd, offset, length, &uva);
	world_answered(world, error ? error : (int64_t)uva);
	if (!error)
		remember_memory(program, uva, length, true);
}

/* All of a stretch, or its end: it stays remembered now and then, so that others trip over it. */
static void do_munmap(struct world *world, struct program *program, struct choices *choices)
{
	struct stretch *stretch = any_memory(program, choices);
	uint64_t uva, length;

	if (!stretch)
		return;
	length = one_in(choices, 3) && stretch->length > PAGE ? PAGE : stretch->length;
	uva = stretch->uva + stretch->length - length;
	world_doing(world, "program %u: munmap %#" PRIx64 " bytes at %#" PRIx64, program->number,
		    length, uva);
	world_answered(world, world->target->ops->munmap(program->proc, uva, length));
	/* A real process has other things there soon. */
	if (one_in(choices, 8) && !world->shared)
		return;
	stretch->length -= length;
	if (!stretch->length)
		*stretch = program->memory[--program->n_memory];
}

static void do_mprotect(struct world *world, struct program *program, struct choices *choices)
{
	const struct stretch *stretch = any_memory(program, choices);
	bool readable = !one_in(choices, 4), writable = !one_in(choices, 3);

	if (!stretch)
		return;
	world_doing(world, "program %u: mprotect %#" PRIx64 " bytes at %#" PRIx64 ": %s%s",
		    program->number, stretch->length, stretch->uva, readable ? "r" : "-",
		    writable ? "w" : "-");
	world_answered(world, world->target->ops->mprotect(program->proc, stretch->uva,
							   stretch->length, readable, writable));
}

static void do_touch(struct world *world, struct program *program, struct choices *choices)
{
	const struct stretch *stretch = any_memory(program, choices);
	uint64_t bytes = choose_odd(choices), uva;
	size_t size = choose_between(choices, 1, sizeof(bytes));
	bool store = one_in(choices, 2);

	if (!stretch)
		return;
	uva = stretch->uva + choose(choices, stretch->length - (world->shared ? size : 0));
	world_doing(world, "program %u: %s %zu bytes at %#" PRIx64, program->number,
		    store ? "store" : "load", size, uva);
	world_answered(world, store ?
			world->target->ops->poke(program->proc, uva, &bytes, size) :
			world->target->ops->peek(program->proc, uva, &bytes, size));
}

/* ---- Devices ------------------------------------------------------------- */

static void do_access(struct world *world, struct program *program, struct choices *choices)
{
	static const uint16_t sizes[] = { 1, 2, 4, 8, 4, 4, 3, 64 };
	struct held *held = any_held(program, VFIOSIM_DEVICE | KIND_MEMFD, choices);
	uint8_t bytes[64];
	bool write = one_in(choices, 2);
	size_t size = sizes[choose(choices, 8)];
	uint64_t offset = REGION(one_in(choices, 2) ? 7 : choose(choices, 9));

	if (!held)
		return;
	offset += one_in(choices, 8) ? choose(choices, 4096) : choose(choices, 64) * 4;
	if (one_in(choices, 32))
		offset = choose_odd(choices);
	choose_bytes(choices, bytes, size);
	world_doing(world, "program %u: %s %zu bytes of %d at %#" PRIx64, program->number,
		    write ? "write" : "read", size, held->fd, offset);
	world_answered(world, write ?
			world->target->ops->pwrite(program->proc, held->fd, bytes, size, offset) :
			world->target->ops->pread(program->proc, held->fd, bytes, size, offset));
}

/* Any mapping of any space: there are few. */
static json_object *any_mapping(struct world *world, struct choices *choices)
{
	json_object *containers = json_list(world->picture, "containers");
	json_object *iommufds = json_list(world->picture, "iommufds"), *space;

	if (json_length(containers) && (!json_length(iommufds) || one_in(choices, 2)))
		space = json_pick(containers, choices);
	else
		space = json_pick_text(json_list(json_pick(iommufds, choices), "objects"), "type",
				       "ioas", choices);
	return json_pick(json_list(space, "mappings"), choices);
}

static void engine_put(struct world *world, struct program *program, int fd, uint64_t at,
		       uint64_t value, size_t size)
{
	world->target->ops->pwrite(program->proc, fd, &value, size, at);
}

static void do_engine(struct world *world, struct program *program, struct choices *choices)
{
	const struct held *held = any_held(program, VFIOSIM_DEVICE, choices);
	const struct target_device *device =
		held ? target_device(world->target, held->file->name) : NULL;
	json_object *source = any_mapping(world, choices), *target = any_mapping(world, choices);
	uint64_t at = device ? REGION(device->dma_bar) : 0, length;
	uint32_t command = (uint32_t)choose_between(choices, 1, 8);

	if (!device || device->dma_bar < 0)
		return;
	length = json_u64(source, "last") - json_u64(source, "first") + 1;
	if (!one_in(choices, 8))
		length = choose_between(choices, 1, 4) * PAGE;
	else if (command != VFIOSIM_ENGINE_PIN && length > VFIOSIM_ENGINE_COPY_MAX)
		length = choose(choices, PAGE);
	world_doing(world, "program %u: engine of %d: command %u, %#" PRIx64 " bytes at iova %#" PRIx64,
		    program->number, held->fd, command, length, json_u64(source, "first"));
	engine_put(world, program, held->fd, at + VFIOSIM_ENGINE_SOURCE, json_u64(source, "first"), 8);
	engine_put(world, program, held->fd, at + VFIOSIM_ENGINE_DESTINATION,
		   json_u64(target, "first"), 8);
	engine_put(world, program, held->fd, at + VFIOSIM_ENGINE_LENGTH, length, 8);
	engine_put(world, program, held->fd, at + VFIOSIM_ENGINE_CONTROL, choose(choices, 4), 4);
	engine_put(world, program, held->fd, at + VFIOSIM_ENGINE_COMMAND, command, 4);
}

/* ---- Sysfs --------------------------------------------------------------- */

static const char *any_text(const char *const *texts, struct choices *choices)
{
	size_t n = 0;

	while (texts[n])
		n++;
	return texts[choose(choices, n)];
}

static const char *any_device(const struct world *world, struct choices *choices, bool mdev)
{
	const struct target *target = world->target;
	size_t which = choose(choices, target->n_devices);

	for (size_t i = 0; i < target->n_devices; i++) {
		const struct target_device *device = &target->devices[(which + i) % target->n_devices];

		if (device->mdev == mdev)
			return device->address;
	}
	return "0000:99:00.0";
}

/* What {name} stands for in a path or a text. */
static const char *meaning(const struct world *world, struct choices *choices, const char *name,
			   const struct vfiosim_topo_mdev_type *type)
{
	static const char *const drivers[] = { "vfio-pci", "vfio-pci", "vfio-pci", "e1000e", "nvme",
					       "pcieport", "pci-stub", NULL };
	static const char *const uuids[] = { "83b8f4f2-509f-382f-3c1e-e6bfe0fa2001",
					     "83b8f4f2-509f-382f-3c1e-e6bfe0fa2002", NULL };
	static const char *const switches[] = { "0", "1", "Y", "N", "2", "", NULL };
	static const char *const ids[] = { "8086 10d3", "1b36 0005", "1b36 0010", "8086 10d3 8086 0",
					   "what", NULL };
	static const char *const limits[] = { "65535", "3", "0", "-1", NULL };
	static const char *const methods[] = { "flr", "bus", "", "flr,bus", "none", NULL };
	static const char *const types[] = { "DMA", "identity", "auto", "DMA-FQ", NULL };

	switch (name[1]) {
	case 'p':
		return any_device(world, choices, false);
	case 'm':
		return one_in(choices, 2) ? any_text(uuids, choices) :
					    any_device(world, choices, true);
	case 'd':
		return any_text(drivers, choices);
	case 's':
		return any_text(switches, choices);
	case 'i':
		return any_text(ids, choices);
	case 'l':
		return any_text(limits, choices);
	case 'r':
		return any_text(methods, choices);
	case 't':
		return any_text(types, choices);
	case 'g':
		return json_text(json_pick(json_list(world->picture, "groups"), choices), "number");
	case 'P':
		return type ? type->parent : "mtty";
	default:
		return type ? type->name : "mtty-1";
	}
}

/* With each {x} replaced. */
static void expand(const struct world *world, struct choices *choices, const char *format,
		   const struct vfiosim_topo_mdev_type *type, char *to, size_t size)
{
	size_t n = 0;

	for (; *format && n + 1 < size; format++) {
		const char *text;

		if (*format != '{') {
			to[n++] = *format;
			continue;
		}
		text = meaning(world, choices, format, type);
		n += (size_t)snprintf(to + n, size - n, "%s", text);
		format = strchr(format, '}');
		if (n >= size)
			n = size - 1;
	}
	to[n] = 0;
}

/* {p}ci device, {m}dev, {d}river, {s}witch, {i}ds, {l}imit, {r}eset, {t}ype, {g}roup, {P}arent, {T}ype of mdev */
static const struct {
	const char *path, *text;
} writes[] = {
	{ "/sys/bus/pci/drivers/{d}/unbind", "{p}" },
	{ "/sys/bus/pci/drivers/{d}/bind", "{p}" },
	{ "/sys/bus/pci/devices/{p}/driver/unbind", "{p}" },
	{ "/sys/bus/pci/drivers/vfio-pci/unbind", "{p}" },
	{ "/sys/bus/pci/drivers/vfio-pci/bind", "{p}" },
	{ "/sys/bus/pci/drivers/vfio-pci/new_id", "{i}" },
	{ "/sys/bus/pci/drivers/vfio-pci/remove_id", "{i}" },
	{ "/sys/bus/pci/drivers_probe", "{p}" },
	{ "/sys/bus/pci/drivers_autoprobe", "{s}" },
	{ "/sys/bus/pci/devices/{p}/driver_override", "{d}\n" },
	{ "/sys/bus/pci/devices/{p}/reset", "{s}" },
	{ "/sys/bus/pci/devices/{p}/reset_method", "{r}" },
	{ "/sys/bus/pci/devices/{p}/enable", "{s}" },
	{ "/sys/bus/pci/devices/{p}/numa_node", "{s}" },
	{ "/sys/bus/pci/devices/{p}/iommu_group/type", "{t}" },
	{ "/sys/kernel/iommu_groups/{g}/type", "{t}" },
	{ "/sys/class/mdev_bus/{P}/mdev_supported_types/{T}/create", "{m}" },
	{ "/sys/class/mdev_bus/{P}/mdev_supported_types/{T}/create", "{m}" },
	{ "/sys/bus/mdev/devices/{m}/remove", "1" },
	{ "/sys/bus/mdev/devices/{m}/remove", "{s}" },
	{ "/sys/bus/mdev/devices/{m}/driver/unbind", "{m}" },
	{ "/sys/bus/mdev/drivers_probe", "{m}" },
	{ "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "{s}" },
	{ "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "{s}" },
	{ "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "{l}" },
	{ "/sys/module/vfio_iommu_type1/parameters/disable_hugepages", "{s}" },
	{ "/sys/module/vfio_pci/parameters/disable_idle_d3", "{s}" },
};

static void do_sysfs(struct world *world, struct program *program, struct choices *choices)
{
	const struct vfiosim_topology *topology = world->topology;
	size_t row = choose(choices, sizeof(writes) / sizeof(writes[0]));
	const struct vfiosim_topo_mdev_type *type =
		topology->n_mdev_types ?
			&topology->mdev_types[choose(choices, topology->n_mdev_types)] : NULL;
	char path[160], text[64];

	expand(world, choices, writes[row].path, type, path, sizeof(path));
	expand(world, choices, writes[row].text, type, text, sizeof(text));
	world_doing(world, "program %u: write '%s' to %s", program->number, text, path);
	world_answered(world, world->target->ops->write_file(program->proc, path, text));
}

/* ---- Processes ----------------------------------------------------------- */

static void do_fork(struct world *world, struct program *program, struct choices *choices)
{
	if (!program_slot(world))
		return;
	world_doing(world, "program %u: fork", program->number);
	program_start(world, program);
}

static void do_process(struct world *world, struct program *program, struct choices *choices)
{
	if (!program_slot(world))
		return;
	world_doing(world, "another program starts");
	program_start(world, NULL);
}

/* What is close-on-exec is found out by trying. */
static void do_exec(struct world *world, struct program *program, struct choices *choices)
{
	const struct target_ops *ops = world->target->ops;
	int error;

	world_doing(world, "program %u: exec", program->number);
	error = ops->exec(program->proc);
	world_answered(world, error);
	if (error)
		return;
	program->n_memory = 0;
	for (unsigned i = program->n_held; i-- > 0;) {
		int copy = ops->dup(program->proc, program->held[i].fd);

		if (copy == -EBADF)
			drop(program, &program->held[i]);
		else if (copy >= 0)
			ops->close(program->proc, copy);
	}
}

static void do_exit(struct world *world, struct program *program, struct choices *choices)
{
	world_doing(world, "program %u ends", program->number);
	program_end(world, program);
	if (!any_program(world, choices))
		program_start(world, NULL);
}

static void do_limit(struct world *world, struct program *program, struct choices *choices)
{
	uint64_t memlock = one_in(choices, 2) ? LIMIT_UNLIMITED : choose(choices, 64) * PAGE;
	bool rawio = !one_in(choices, 4), resource = one_in(choices, 2);

	world_doing(world, "program %u: limit memlock to %#" PRIx64, program->number, memlock);
	world_answered(world,
		       world->target->ops->limit(program->proc, memlock, rawio, resource));
}

/* ---- One of them --------------------------------------------------------- */

static void do_request(struct world *world, struct program *program, struct choices *choices)
{
	request_any(world, program, choices);
}

static const struct {
	unsigned weight;
	void (*run)(struct world *world, struct program *program, struct choices *choices);
} steps[] = {
	{ 110, do_request },
	{ 24, do_open },
	{ 8, do_close },
	{ 2, do_dup },
	{ 3, do_send },
	{ 6, do_eventfd },
	{ 2, do_event },
	{ 10, do_mmap },
	{ 6, do_mmap_fd },
	{ 3, do_munmap },
	{ 2, do_mprotect },
	{ 3, do_touch },
	{ 10, do_access },
	{ 10, do_engine },
	{ 6, do_sysfs },
	{ 1, do_fork },
	{ 1, do_process },
	{ 1, do_exec },
	{ 1, do_exit },
	{ 2, do_limit },
};

void step_any(struct world *world, struct choices *choices)
{
	struct program *program;
	unsigned sum = 0;
	uint64_t which;
	size_t i = 0;

	for (size_t row = 0; row < sizeof(steps) / sizeof(steps[0]); row++)
		sum += steps[row].weight;
	which = choose(choices, sum);
	while (which >= steps[i].weight)
		which -= steps[i++].weight;
	program = any_program(world, choices);
	world->step++;
	if (world->tally)
		world->tally->steps++;
	steps[i].run(world, program, choices);
	world_look(world);
}
