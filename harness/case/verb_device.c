/* SPDX-License-Identifier: MIT */
/*
 * Verbs of devices: DMA and pins by the engine behind a BAR (vfiosim/engine.h),
 * interrupts by eventfds, reset.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/engine.h>

#include "case/verb.h"

static const char *const nothing[] = { NULL };

int run_region(struct run *run, int fd, unsigned index, uint64_t *ret_offset, uint64_t *ret_size)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };
	long error = run->target->ops->ioctl_data(run->proc, fd, VFIO_DEVICE_GET_REGION_INFO,
						  &info, sizeof(info));

	*ret_offset = 0;
	*ret_size = 0;
	if (error)
		return (int)error;
	*ret_offset = info.offset;
	*ret_size = info.size;
	return 0;
}

static int device_fd(struct run *run, const char *name)
{
	return run->selector ? selector_device_fd(run->selector, name) : run_fd(run, name);
}

/* ---- The engine -------------------------------------------------------- */

struct engine {
	int fd;
	uint64_t base;		/* of its registers in the device's file */
};

static int set(struct run *run, const struct engine *engine, unsigned reg, uint64_t value,
	       size_t size)
{
	ssize_t n = run->target->ops->pwrite(run->proc, engine->fd, &value, size,
					     engine->base + reg);

	return n < 0 ? (int)n : 0;
}

static uint64_t get(struct run *run, const struct engine *engine, unsigned reg, size_t size)
{
	uint64_t value = 0;

	run->target->ops->pread(run->proc, engine->fd, &value, size, engine->base + reg);
	return value;
}

/* Nobody has said what is behind the BARs of an mdev of this computer: the engine tells. */
static bool engine_answers(struct run *run, struct engine *engine)
{
	uint64_t size;

	return !run_region(run, engine->fd, 0, &engine->base, &size) && size >= VFIOSIM_ENGINE_SIZE &&
	       get(run, engine, VFIOSIM_ENGINE_ID, 4) == VFIOSIM_ENGINE_MAGIC;
}

static int engine_find(struct run *run, const struct step *step, struct engine *ret_engine)
{
	const char *name = step_text(step, "device", "");
	const struct target_device *device = run_device(run, name);
	bool ask = device && device->mdev && !run->target->simulated;
	uint64_t size;

	ret_engine->fd = device_fd(run, name);
	if (!device || (device->dma_bar < 0 && !(ask && engine_answers(run, ret_engine))))
		return run_skip(run, "%s has no engine that a case could tell what to do", name);
	if (ret_engine->fd < 0)
		return run_broken(run, "%s is not attached", name);
	if (ask)
		return 0;
	return run_region(run, ret_engine->fd, (unsigned)device->dma_bar, &ret_engine->base, &size);
}

/* Rings the doorbell and waits: a device moves its data after the write was answered. */
static int engine_do(struct run *run, const struct engine *engine, uint32_t command,
		     struct result *ret_result)
{
	uint64_t status = VFIOSIM_ENGINE_BUSY;
	int error = set(run, engine, VFIOSIM_ENGINE_COMMAND, command, 4);

	if (error)
		return run_answer(run, error, ret_result);
	for (int i = 0; i < 400 && status == VFIOSIM_ENGINE_BUSY; i++) {
		if (i)
			usleep(5000);
		status = get(run, engine, VFIOSIM_ENGINE_STATUS, 4);
	}
	if (status == VFIOSIM_ENGINE_BUSY)
		return run_broken(run, "the engine is still busy after two seconds");
	if (status == VFIOSIM_ENGINE_FAULTED)
		ret_result->error = -(int)get(run, engine, VFIOSIM_ENGINE_ERROR, 4);
	return 0;
}

static int prepare(struct run *run, const struct engine *engine, const struct step *step,
		   uint32_t control)
{
	uint64_t iova = step_number(step, "iova", 0);
	int error = set(run, engine, VFIOSIM_ENGINE_SOURCE, iova, 8);

	if (!error)
		error = set(run, engine, VFIOSIM_ENGINE_DESTINATION, step_number(step, "to", iova),
			    8);
	if (!error)
		error = set(run, engine, VFIOSIM_ENGINE_LENGTH, step_number(step, "size", 0), 8);
	if (!error)
		error = set(run, engine, VFIOSIM_ENGINE_CONTROL, control, 4);
	return error;
}

/* ---- dma --------------------------------------------------------------- */

static const char *const dma_kinds[] = { "copy", "read", "write", NULL };

static int put_window(struct run *run, const struct engine *engine, const char *data)
{
	size_t length = strlen(data);
	ssize_t n;

	if (length > VFIOSIM_ENGINE_WINDOW_SIZE)
		return run_broken(run, "the engine's window holds %d bytes",
				  VFIOSIM_ENGINE_WINDOW_SIZE);
	n = run->target->ops->pwrite(run->proc, engine->fd, data, length,
				     engine->base + VFIOSIM_ENGINE_WINDOW);
	return n < 0 ? (int)n : 0;
}

static void give_window(struct run *run, const struct engine *engine, uint64_t size,
			struct result *ret_result)
{
	char data[100] = { 0 };

	if (size >= sizeof(data))
		return;
	run->target->ops->pread(run->proc, engine->fd, data, size,
				engine->base + VFIOSIM_ENGINE_WINDOW);
	result_text(ret_result, "data", "%s", data);
}

static int dma_run(struct run *run, const struct step *step, struct result *ret_result)
{
	static const uint32_t commands[] = { VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_READ,
					     VFIOSIM_ENGINE_WRITE };
	uint64_t kind = step_number(step, "do", 0);
	const char *data = step_text(step, "data", NULL);
	struct engine engine;
	int error = engine_find(run, step, &engine);

	if (error)
		return error;
	if (data)
		error = put_window(run, &engine, data);
	if (!error)
		error = prepare(run, &engine, step,
				step_number(step, "interrupt", 0) ? VFIOSIM_ENGINE_RAISE : 0);
	if (error)
		return error < -10000 ? error : run_answer(run, error, ret_result);
	error = engine_do(run, &engine, commands[kind], ret_result);
	if (!error && !ret_result->error && kind == 1)
		give_window(run, &engine, step_number(step, "size", 0), ret_result);
	return error;
}

/* ---- pin, unpin -------------------------------------------------------- */

static int pin_common(struct run *run, const struct step *step, uint32_t command,
		      struct result *ret_result)
{
	struct engine engine;
	int error = engine_find(run, step, &engine);

	if (error)
		return error;
	error = prepare(run, &engine, step,
			step_number(step, "write", 1) ? VFIOSIM_ENGINE_PIN_WRITE : 0);
	if (error)
		return run_answer(run, error, ret_result);
	error = engine_do(run, &engine, command, ret_result);
	if (!error)
		result_number(ret_result, "pinned", get(run, &engine, VFIOSIM_ENGINE_PINNED, 8));
	return error;
}

static int pin_run(struct run *run, const struct step *step, struct result *ret_result)
{
	return pin_common(run, step, VFIOSIM_ENGINE_PIN, ret_result);
}

static int unpin_run(struct run *run, const struct step *step, struct result *ret_result)
{
	return pin_common(run, step, VFIOSIM_ENGINE_UNPIN, ret_result);
}

static int pinned_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct engine engine;
	int error = engine_find(run, step, &engine);

	if (!error)
		result_number(ret_result, "pinned", get(run, &engine, VFIOSIM_ENGINE_PINNED, 8));
	return error;
}

static const char *const pin_gives[] = { "pinned", NULL };

/* ---- irq, event -------------------------------------------------------- */

static const char *const irq_kinds[] = { "intx", "msi", "msix", "err", "req", NULL };
static const char *const irq_actions[] = { "enable", "disable", "trigger", "mask", "unmask", NULL };

/* How many interrupts of kind @index the device has here, or a negative errno. */
static int64_t irq_count(struct run *run, int fd, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	long error = run->target->ops->ioctl_data(run->proc, fd, VFIO_DEVICE_GET_IRQ_INFO, &info,
						  sizeof(info));

	return error < 0 ? error : info.count;
}

/* On a real kernel: has the device that was named as many as the one the case is about? */
static int check_irqs(struct run *run, const char *name, int fd, uint32_t index)
{
	static const char *const kinds[] = { "intx", "msi", "msix" };
	const struct vfiosim_topology *topology = run->play->topology;
	int at = vfiosim_topology_device(topology, name);
	const struct vfiosim_topo_device *device = at < 0 ? NULL : &topology->devices[at];
	int64_t here;
	unsigned wanted;

	if (!device || index > VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	wanted = index == VFIO_PCI_INTX_IRQ_INDEX ? device->intx_pin > 0 :
		 index == VFIO_PCI_MSI_IRQ_INDEX  ? device->msi : device->msix;
	here = irq_count(run, fd, index);
	if (here >= wanted || here < 0)
		return 0;
	return run_skip(run, "the case requires a device with %u %s %s for '%s'; this one has %u", wanted,
			kinds[index], wanted == 1 ? "interrupt" : "interrupts", name, (unsigned)here);
}

static int irq_run(struct run *run, const struct step *step, struct result *ret_result)
{
	static const uint32_t flags[] = {
		VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD,
		VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE,
		VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE,
		VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_DATA_NONE,
		VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE,
	};
	uint64_t action = step_number(step, "do", 0);
	const char *name = step_text(step, "event", "-1");
	const struct vfio_irq_set head = {
		.argsz = sizeof(head) + (action ? 0 : sizeof(int32_t)),
		.flags = flags[action],
		.index = (uint32_t)step_number(step, "kind", 0),
		.start = (uint32_t)step_number(step, "vector", 0),
		.count = action == 1 ? 0 : 1,
	};
	unsigned char data[sizeof(head) + sizeof(int32_t)];
	int32_t event = run_fd(run, name);
	int fd = device_fd(run, step_text(step, "device", ""));
	int ret;

	if (fd < 0)
		return run_broken(run, "%s is not attached", step_text(step, "device", ""));
	ret = run->target->simulated ? 0 :
		check_irqs(run, step_text(step, "device", ""), fd, head.index);
	if (ret)
		return ret;
	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), &event, sizeof(event));
	return run_answer(run,
			  run->target->ops->ioctl_data(run->proc, fd, VFIO_DEVICE_SET_IRQS, data,
						       head.argsz),
			  ret_result);
}

static int event_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd = run_fd(run, step_text(step, "name", ""));
	int64_t count = run->target->ops->event_read(run->proc, fd);

	if (count >= 0)
		result_number(ret_result, "count", (uint64_t)count);
	return run_answer(run, count, ret_result);
}

/* ---- reset ------------------------------------------------------------- */

static int reset_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd = device_fd(run, step_text(step, "device", ""));

	if (fd < 0)
		return run_broken(run, "%s is not attached", step_text(step, "device", ""));
	return run_answer(run, run->target->ops->ioctl(run->proc, fd, VFIO_DEVICE_RESET, 0),
			  ret_result);
}

const struct verb verbs_device[] = {
	{
		.name = "dma",
		.about = "the device reads, writes or copies memory by itself",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "do", ARG_CHOICE, true, dma_kinds },
			{ "iova", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "to", ARG_NUMBER, false, NULL },
			{ "data", ARG_TEXT, false, NULL },
			{ "interrupt", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = (const char *const[]){ "data", NULL },
		.run = dma_run,
		.play = dma_run,
	},
	{
		.name = "pin",
		.about = "the mdev's driver pins pages, as one does before using them; gives pinned",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "iova", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "write", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = pin_gives,
		.run = pin_run,
		.play = pin_run,
	},
	{
		.name = "unpin",
		.about = "it lets go of them again",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "iova", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ NULL } },
		.gives = pin_gives,
		.run = unpin_run,
		.play = unpin_run,
	},
	{
		.name = "pinned",
		.about = "how many pages the mdev's driver holds now",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ NULL } },
		.gives = pin_gives,
		.run = pinned_run,
	},
	{
		.name = "irq",
		.about = "enable, disable, trigger, mask or unmask an interrupt",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "kind", ARG_CHOICE, true, irq_kinds },
			{ "do", ARG_CHOICE, true, irq_actions },
			{ "vector", ARG_NUMBER, false, NULL },
			{ "event", ARG_NAME, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = irq_run,
	},
	{
		.name = "event",
		.about = "how often an eventfd was signalled since it was last asked",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = (const char *const[]){ "count", NULL },
		.run = event_run,
	},
	{
		.name = "reset",
		.about = "reset the device",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = reset_run,
	},
	{ .name = NULL },
};
