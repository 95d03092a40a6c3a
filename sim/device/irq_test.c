/* SPDX-License-Identifier: MIT */
/* Interrupts: SET_IRQS on vfio-pci as Linux 7.2 answered it, loopback, masking, automasking. */
#include <errno.h>

#include <vfiosim/engine.h>

#include "device/device_test.h"

enum { INTX = VFIO_PCI_INTX_IRQ_INDEX, MSI, MSIX, ERR, REQ };
enum { MASK = VFIO_IRQ_SET_ACTION_MASK, UNMASK = VFIO_IRQ_SET_ACTION_UNMASK,
       TRIGGER = VFIO_IRQ_SET_ACTION_TRIGGER };

/* What is refused while nothing is enabled: e1000e (5 MSI-X), edu (no MSI-X, no ERR). */
static const struct {
	uint32_t index, flags, start, count;
	int fd;			/* data of EVENTFD sets */
	int nic, edu;		/* what each answers */
} refusals[] = {
	{ INTX, 0, 0, 0, 0, -EINVAL, -EINVAL },
	{ INTX, 0x40 | IRQ_TRIGGER_NONE, 0, 0, 0, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_NONE | VFIO_IRQ_SET_DATA_BOOL, 0, 1, 0, -EINVAL, -EINVAL },
	{ INTX, TRIGGER | MASK | VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -ENOTTY, -ENOTTY },
	{ INTX, TRIGGER, 0, 1, 0, -EINVAL, -EINVAL },
	{ INTX, VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -ENOTTY, -ENOTTY },
	{ 5, IRQ_TRIGGER_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ 99, IRQ_TRIGGER_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_FD, 1, 1, -1, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_FD, 0, 2, -1, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_FD, 0, 1, 9999, -EBADF, -EBADF },
	{ INTX, MASK | VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ INTX, IRQ_TRIGGER_NONE, 0, 0, 0, -EINVAL, -EINVAL },
	{ MSI, IRQ_TRIGGER_FD, 0, 0, 0, -ERANGE, -ERANGE },
	{ MSI, IRQ_TRIGGER_NONE, 0, 0, 0, -EINVAL, -EINVAL },
	{ MSI, IRQ_TRIGGER_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ MSI, MASK | VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -ENOTTY, -ENOTTY },
	{ MSI, IRQ_TRIGGER_NONE, UINT32_MAX, 2, 0, -EINVAL, -EINVAL },
	{ MSI, IRQ_TRIGGER_NONE, 0, UINT32_MAX, 0, -EINVAL, -EINVAL },
	{ MSI, IRQ_TRIGGER_FD, 0, 1, 9999, -EBADF, -EBADF },
	{ MSIX, IRQ_TRIGGER_FD, 0, 0, 0, -ERANGE, -EINVAL },
	{ MSIX, IRQ_TRIGGER_FD, 5, 1, -1, -EINVAL, -EINVAL },
	{ ERR, IRQ_TRIGGER_NONE, 0, 1, 0, -EINVAL, -EINVAL },
	{ ERR, MASK | VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -ENOTTY, -EINVAL },
	{ REQ, MASK | VFIO_IRQ_SET_DATA_NONE, 0, 1, 0, -ENOTTY, -ENOTTY },
	{ REQ, IRQ_TRIGGER_FD, 0, 0, 0, -EINVAL, -EINVAL },
};

static void check_refusals(struct bench *b, bool nic)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		int fds[2] = { refusals[i].fd, refusals[i].fd };
		bool events = refusals[i].flags & VFIO_IRQ_SET_DATA_EVENTFD;
		long ret = __set_irqs(b, refusals[i].index, refusals[i].flags, refusals[i].start,
				      refusals[i].count, fds, events ? sizeof(fds) : 0);

		ck_assert_msg(ret == (nic ? refusals[i].nic : refusals[i].edu), "row %zu: %ld", i,
			      ret);
	}
}

START_TEST(test_refusals)
{
	static const char *const names[] = { "A", "E0" };
	struct bench b;

	bench_init(&b, "q35", names[_i]);
	check_refusals(&b, _i == 0);
	bench_done(&b);
}
END_TEST

START_TEST(test_not_an_eventfd)
{
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(__set_irq_fd(&b, INTX, 0, b.container), -EINVAL);
	ck_assert_int_eq(__set_irq_fd(&b, MSI, 0, b.container), -EINVAL);
	bench_done(&b);
}
END_TEST

START_TEST(test_short_argsz)
{
	struct vfio_irq_set set = { .argsz = sizeof(set) + 3, .flags = IRQ_TRIGGER_FD, .count = 1 };
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_SET_IRQS, &set, sizeof(set)), -EINVAL);
	set.argsz = 19;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_SET_IRQS, &set, sizeof(set)), -EINVAL);
	bench_done(&b);
}
END_TEST

START_TEST(test_msi)
{
	struct bench b;
	uint8_t yes = 1, no = 0;
	int fd;

	bench_init(&b, "q35", "A");
	fd = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, MSI, 0, fd);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__set_irqs(&b, MSI, TRIGGER | VFIO_IRQ_SET_DATA_BOOL, 0, 1, &yes, 1), 0);
	ck_assert_int_eq(__set_irqs(&b, MSI, TRIGGER | VFIO_IRQ_SET_DATA_BOOL, 0, 1, &no, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__set_irq_fd(&b, INTX, 0, fd), -EINVAL);
	ck_assert_int_eq(__set_irq_fd(&b, MSIX, 0, fd), -EINVAL);
	set_irq_fd(&b, MSI, 0, -1);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 0);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 0), 0);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 0), -EINVAL);
	bench_done(&b);
}
END_TEST

START_TEST(test_msix_grows)
{
	struct bench b;
	int fd, more, bad[2];

	bench_init(&b, "q35", "A");
	fd = vfiosim_inproc_eventfd(b.proc);
	more = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, MSIX, 0, fd);
	set_irq_fd(&b, MSIX, 3, more);
	ck_assert_uint_eq(get(&b, REGION(7) + 0x72, 2) & 0x8000, 0x8000);
	ck_assert_int_eq(__irq_none(&b, MSIX, TRIGGER, 5), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, more), 1);
	/* a block that fails clears those before it, and only those */
	bad[0] = fd;
	bad[1] = 9999;
	ck_assert_int_eq(__set_irqs(&b, MSIX, IRQ_TRIGGER_FD, 0, 2, bad, sizeof(bad)), -EBADF);
	ck_assert_int_eq(__irq_none(&b, MSIX, TRIGGER, 5), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, more), 1);
	ck_assert_int_eq(__irq_none(&b, MSIX, TRIGGER, 0), 0);
	ck_assert_uint_eq(get(&b, REGION(7) + 0x72, 2) & 0x8000, 0);
	bench_done(&b);
}
END_TEST

START_TEST(test_intx)
{
	struct bench b;
	int fd, unmask;

	bench_init(&b, "q35", "A");
	fd = vfiosim_inproc_eventfd(b.proc);
	unmask = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, INTX, 0, fd);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__irq_none(&b, INTX, MASK, 1), 0);
	ck_assert_int_eq(__irq_none(&b, INTX, MASK, 1), 0);
	ck_assert_int_eq(__irq_none(&b, INTX, UNMASK, 1), 0);
	ck_assert_int_eq(__set_irqs(&b, INTX, UNMASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, &unmask, 4),
			 0);
	ck_assert_int_eq(__set_irqs(&b, INTX, UNMASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, &unmask, 4),
			 -EBUSY);
	ck_assert_int_eq(__set_irqs(&b, INTX, MASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, &unmask, 4),
			 -ENOTTY);
	/* One that nobody has open any more leaves its place. */
	vfiosim_inproc_close(b.proc, unmask);
	unmask = vfiosim_inproc_eventfd(b.proc);
	ck_assert_int_eq(__set_irqs(&b, INTX, UNMASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, &unmask, 4),
			 0);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 0), 0);
	bench_done(&b);
}
END_TEST

static void raise_line(struct bench *b)
{
	put(b, VFIOSIM_ENGINE_COMMAND, 4, VFIOSIM_ENGINE_INTERRUPT);
}

/* The line masks itself; what comes while it is masked waits. */
START_TEST(test_intx_automask)
{
	struct bench b;
	int fd;

	bench_init(&b, "engine", "dma0");
	fd = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, INTX, 0, fd);
	raise_line(&b);
	raise_line(&b);
	raise_line(&b);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__irq_none(&b, INTX, UNMASK, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__irq_none(&b, INTX, UNMASK, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 0);
	/* bit 10 of the command register is a mask too */
	put(&b, REGION(7) + 4, 2, 0x0406);
	raise_line(&b);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 0);
	put(&b, REGION(7) + 4, 2, 0x0006);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	bench_done(&b);
}
END_TEST

START_TEST(test_err_and_req)
{
	struct bench b;
	int fd;

	bench_init(&b, "q35", "A");
	fd = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, ERR, 0, fd);
	set_irq_fd(&b, REQ, 0, fd);
	ck_assert_int_eq(__irq_none(&b, ERR, TRIGGER, 1), 0);
	ck_assert_int_eq(__irq_none(&b, REQ, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 2);
	ck_assert_int_eq(__irq_none(&b, ERR, TRIGGER, 0), 0);
	ck_assert_int_eq(__irq_none(&b, ERR, TRIGGER, 0), -EINVAL);
	set_irq_fd(&b, REQ, 0, -1);
	ck_assert_int_eq(__irq_none(&b, REQ, TRIGGER, 1), -EINVAL);
	bench_done(&b);
}
END_TEST

/* MSI gets what it was enabled with, and no more later; MSI-X would. */
START_TEST(test_msi_does_not_grow)
{
	static const char topology[] =
		"iommus: {i: {aperture: 0..0xffffffff, page_sizes: [4K]}}\n"
		"models: {four: {id: 1234:5678, class: 0x020000, msi: 4}}\n"
		"devices: {d: {model: four, address: 0000:01:00.0, group: 1, driver: vfio-pci}}\n";
	struct bench b;
	int fds[3];

	bench_init(&b, topology, "d");
	for (unsigned i = 0; i < 3; i++)
		fds[i] = vfiosim_inproc_eventfd(b.proc);
	ck_assert_int_eq(__set_irqs(&b, MSI, IRQ_TRIGGER_FD, 0, 2, fds, 8), 0);
	ck_assert_int_eq(__set_irq_fd(&b, MSI, 3, fds[2]), -EINVAL);
	set_irq_fd(&b, MSI, 3, -1);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fds[1]), 1);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fds[2]), 0);
	bench_done(&b);
}
END_TEST

/* The eventfd is held: closing the descriptor does not end it, closing the device does. */
START_TEST(test_held)
{
	struct bench b;
	int fd, kept;

	bench_init(&b, "q35", "A");
	fd = vfiosim_inproc_eventfd(b.proc);
	kept = vfiosim_inproc_dup(b.proc, fd);
	set_irq_fd(&b, MSI, 0, fd);
	vfiosim_inproc_close(b.proc, fd);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, kept), 1);
	vfiosim_inproc_close(b.proc, b.device);
	b.device = __bench_get_device(&b, b.address);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 1), -EINVAL);
	bench_done(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("irq");
	TCase *tcase = tcase_create("irq");

	tcase_add_loop_test(tcase, test_refusals, 0, 2);
	tcase_add_test(tcase, test_not_an_eventfd);
	tcase_add_test(tcase, test_short_argsz);
	tcase_add_test(tcase, test_msi);
	tcase_add_test(tcase, test_msix_grows);
	tcase_add_test(tcase, test_intx);
	tcase_add_test(tcase, test_intx_automask);
	tcase_add_test(tcase, test_err_and_req);
	tcase_add_test(tcase, test_msi_does_not_grow);
	tcase_add_test(tcase, test_held);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
