/* SPDX-License-Identifier: MIT */
/* The interrupts of a device: VFIO_DEVICE_SET_IRQS, one table, in an order that matters. */
#include "probe.h"

#include <sys/eventfd.h>

#define NONE VFIO_IRQ_SET_DATA_NONE
#define BOOL VFIO_IRQ_SET_DATA_BOOL
#define EVENT VFIO_IRQ_SET_DATA_EVENTFD
#define MASK VFIO_IRQ_SET_ACTION_MASK
#define UNMASK VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* What stands behind the header. */
enum data { NO_DATA, ONE_EVENTFD, ONE_BOOL, MINUS_ONE, BAD_FD, NOT_AN_EVENTFD, SHORT };

static const struct step {
	const char *name;
	uint32_t flags, index, start, count;
	enum data data;
	uint32_t argsz;		/* 0: what the data needs */
	bool counted;		/* the eventfd's counter is told afterwards */
} steps[] = {
	{ "argsz=19", NONE | TRIGGER, 0, 0, 1, NO_DATA, 19 },
	{ "flags=0", 0, 0, 0, 1 },
	{ "flags=0x40", 0x40, 0, 0, 1 },
	{ "two data types", NONE | BOOL | TRIGGER, 0, 0, 1, ONE_BOOL },
	{ "two actions", NONE | MASK | TRIGGER, 0, 0, 1 },
	{ "no data type", TRIGGER, 0, 0, 1 },
	{ "no action", NONE, 0, 0, 1 },
	{ "bad index 5", NONE | TRIGGER, 5, 0, 1 },
	{ "bad index 99", NONE | TRIGGER, 99, 0, 1 },
	{ "INTx eventfd argsz short", EVENT | TRIGGER, 0, 0, 1, SHORT },
	{ "INTx start out of range", EVENT | TRIGGER, 0, 1, 1, ONE_EVENTFD },
	{ "INTx count out of range", EVENT | TRIGGER, 0, 0, 2, ONE_EVENTFD, 28 },
	{ "INTx bad fd 9999", EVENT | TRIGGER, 0, 0, 1, BAD_FD },
	{ "INTx not an eventfd", EVENT | TRIGGER, 0, 0, 1, NOT_AN_EVENTFD },
	{ "INTx mask before enable", NONE | MASK, 0, 0, 1 },
	{ "INTx trigger NONE before enable count 1", NONE | TRIGGER, 0, 0, 1 },
	{ "INTx disable before enable", NONE | TRIGGER, 0, 0, 0 },
	{ "MSI count=0 data eventfd", EVENT | TRIGGER, 1, 0, 0, ONE_EVENTFD },
	{ "MSI NONE count=0 (disable when off)", NONE | TRIGGER, 1, 0, 0 },
	{ "MSI trigger NONE when off", NONE | TRIGGER, 1, 0, 1 },
	{ "MSI mask", NONE | MASK, 1, 0, 1 },
	{ "MSI start beyond", EVENT | TRIGGER, 1, 64, 1, ONE_EVENTFD },
	{ "MSI start+count wrap", EVENT | TRIGGER, 1, 0xffffffff, 2, ONE_EVENTFD, 28 },
	{ "MSI count huge", EVENT | TRIGGER, 1, 0, 0x40000000, ONE_EVENTFD },
	{ "MSI bad fd", EVENT | TRIGGER, 1, 0, 1, BAD_FD },
	{ "MSI not eventfd", EVENT | TRIGGER, 1, 0, 1, NOT_AN_EVENTFD },
	{ "MSI enable", EVENT | TRIGGER, 1, 0, 1, ONE_EVENTFD },
	{ "MSI loopback NONE", NONE | TRIGGER, 1, 0, 1, .counted = true },
	{ "MSI loopback BOOL 1", BOOL | TRIGGER, 1, 0, 1, ONE_BOOL, .counted = true },
	{ "INTx enable while MSI", EVENT | TRIGGER, 0, 0, 1, ONE_EVENTFD },
	{ "MSIX enable while MSI", EVENT | TRIGGER, 2, 0, 1, ONE_EVENTFD },
	{ "MSI re-trigger vector fd=-1", EVENT | TRIGGER, 1, 0, 1, MINUS_ONE },
	{ "MSI NONE count 0 disable", NONE | TRIGGER, 1, 0, 0 },
	{ "MSIX enable", EVENT | TRIGGER, 2, 0, 1, ONE_EVENTFD },
	{ "MSIX start gap", EVENT | TRIGGER, 2, 3, 1, ONE_EVENTFD },
	{ "MSIX disable", NONE | TRIGGER, 2, 0, 0 },
	{ "INTx enable", EVENT | TRIGGER, 0, 0, 1, ONE_EVENTFD },
	{ "INTx loopback", NONE | TRIGGER, 0, 0, 1, .counted = true },
	{ "INTx mask", NONE | MASK, 0, 0, 1 },
	{ "INTx mask twice", NONE | MASK, 0, 0, 1 },
	{ "INTx unmask", NONE | UNMASK, 0, 0, 1 },
	{ "INTx unmask eventfd", EVENT | UNMASK, 0, 0, 1, ONE_EVENTFD },
	{ "INTx mask eventfd", EVENT | MASK, 0, 0, 1, ONE_EVENTFD },
	{ "INTx disable", NONE | TRIGGER, 0, 0, 0 },
	{ "ERR eventfd", EVENT | TRIGGER, 3, 0, 1, ONE_EVENTFD },
	{ "ERR loopback", NONE | TRIGGER, 3, 0, 1 },
	{ "ERR disable", EVENT | TRIGGER, 3, 0, 1, MINUS_ONE },
	{ "REQ eventfd", EVENT | TRIGGER, 4, 0, 1, ONE_EVENTFD },
	{ "REQ fd -1", EVENT | TRIGGER, 4, 0, 1, MINUS_ONE },
	{ "REQ mask", NONE | MASK, 4, 0, 1 },
};

struct fds {
	int event;
	int null;
};

static int set_irqs(int device, const struct step *step, const struct fds *fds)
{
	struct {
		struct vfio_irq_set head;
		int32_t data[2];
	} arg = {
		.head = { .argsz = sizeof(arg.head), .flags = step->flags, .index = step->index,
			  .start = step->start, .count = step->count },
	};
	const int32_t values[] = { [ONE_EVENTFD] = fds->event, [ONE_BOOL] = 1, [MINUS_ONE] = -1,
				   [BAD_FD] = 9999, [NOT_AN_EVENTFD] = fds->null };

	if (step->data != NO_DATA && step->data != SHORT) {
		arg.data[0] = values[step->data];
		arg.data[1] = values[step->data];
		arg.head.argsz += step->data == ONE_BOOL ? 1 : 4;
	}
	if (step->argsz)
		arg.head.argsz = step->argsz;
	return ioctl(device, VFIO_DEVICE_SET_IRQS, &arg);
}

static unsigned long counter(int event)
{
	uint64_t value;

	return read(event, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

void say_irqs(const struct place *at, int device)
{
	const struct fds fds = { eventfd(0, EFD_NONBLOCK), open("/dev/null", O_RDWR) };
	uint32_t nothing[5] = { 0 };

	say(ioctl(device, VFIO_DEVICE_SET_IRQS, nothing), "%s: SET_IRQS argsz=0", at->label);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].counted)
			counter(fds.event);
		say(set_irqs(device, &steps[i], &fds), "%s: SET_IRQS %s", at->label, steps[i].name);
		if (steps[i].counted)
			note("%s: eventfd count: %lu", at->label, counter(fds.event));
	}
	close(fds.event);
	close(fds.null);
}
