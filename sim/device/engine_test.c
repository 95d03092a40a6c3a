/* SPDX-License-Identifier: MIT */
/* The engine, programmed as vfiosim/engine.h says: transfers, faults, interrupts, pins. */
#include <errno.h>

#include <vfiosim/engine.h>

#include "device/device_test.h"

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define MEG (1u << 20)

static uint64_t memory(struct bench *b, uint64_t size)
{
	uint64_t uva;

	ck_assert_int_eq(vfiosim_inproc_mmap(b->proc, size, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE,
					     VFIOSIM_VMA_MEMORY, &uva), 0);
	return uva;
}

static void program(struct bench *b, uint64_t source, uint64_t destination, uint64_t length,
		    uint32_t control)
{
	put(b, VFIOSIM_ENGINE_SOURCE, 8, source);
	put(b, VFIOSIM_ENGINE_DESTINATION, 8, destination);
	put(b, VFIOSIM_ENGINE_LENGTH, 8, length);
	put(b, VFIOSIM_ENGINE_CONTROL, 4, control);
}

/* The status and error that a command ends with. */
static void command(struct bench *b, uint32_t cmd, uint32_t status, uint32_t error)
{
	put(b, VFIOSIM_ENGINE_COMMAND, 4, cmd);
	ck_assert_uint_eq(get(b, VFIOSIM_ENGINE_ERROR, 4), error);
	ck_assert_uint_eq(get(b, VFIOSIM_ENGINE_STATUS, 4), status);
}

/* Physical and mediated devices reach memory by different roads, to the same end. */
static const char *const devices[] = { "dma0", "pinner0" };
/* What they say of an address that is not mapped: the IOMMU's word, and vfio_dma_rw()'s. */
static const uint32_t unmapped[] = { EFAULT, EINVAL };

START_TEST(test_copy)
{
	static uint8_t out[3 * 4096], in[3 * 4096];
	struct bench b;
	uint64_t uva;

	bench_init(&b, "engine", devices[_i]);
	uva = memory(&b, MEG);
	map(&b, 0x10000, uva, MEG / 2, RW);
	map(&b, 0x10000 + MEG / 2, uva + MEG / 2, MEG / 2, RW);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	/* across the seam of the two mappings */
	ck_assert_int_eq(vfiosim_inproc_poke(b.proc, uva + MEG / 2 - 5000, out, sizeof(out)), 0);
	program(&b, 0x10000 + MEG / 2 - 5000, 0x10000 + 100, sizeof(out), 0);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_int_eq(vfiosim_inproc_peek(b.proc, uva + 100, in, sizeof(in)), 0);
	ck_assert_mem_eq(in, out, sizeof(out));
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_COMPLETED, 8), 1);
	bench_done(&b);
}
END_TEST

START_TEST(test_window)
{
	struct bench b;
	uint64_t uva, value = 0x1122334455667788;

	bench_init(&b, "engine", devices[_i]);
	uva = memory(&b, 8192);
	map(&b, 0, uva, 8192, RW);
	put(&b, VFIOSIM_ENGINE_WINDOW, 8, value);
	program(&b, 0, 0x1ffc - 4, 8, 0);
	command(&b, VFIOSIM_ENGINE_WRITE, VFIOSIM_ENGINE_DONE, 0);
	value = 0;
	ck_assert_int_eq(vfiosim_inproc_peek(b.proc, uva + 0x1ff8, &value, 8), 0);
	ck_assert_uint_eq(value, 0x1122334455667788);
	put(&b, VFIOSIM_ENGINE_WINDOW, 8, 0);
	program(&b, 0x1ff8, 0, 8, 0);
	command(&b, VFIOSIM_ENGINE_READ, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_WINDOW, 8), 0x1122334455667788);
	bench_done(&b);
}
END_TEST

START_TEST(test_faults)
{
	struct vfiosim_counters before, after;
	struct bench b;
	uint64_t uva;

	bench_init(&b, "engine", devices[_i]);
	uva = memory(&b, 8192);
	map(&b, 0x1000, uva, 4096, VFIO_DMA_MAP_FLAG_READ);
	vfiosim_counters(b.sim, &before);
	program(&b, 0x5000, 0x1000, 16, 0);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_FAULTED, unmapped[_i]);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_FAULT, 8), 0x5000);
	program(&b, 0x1000, 0x1800, 16, 0);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_FAULTED, EPERM);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_FAULT, 8), 0x1800);
	vfiosim_counters(b.sim, &after);
	ck_assert_uint_eq(after.dma_faults - before.dma_faults, 2);
	program(&b, 0x1000, 0x1000, VFIOSIM_ENGINE_COPY_MAX + 1ull, 0);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_FAULTED, EMSGSIZE);
	command(&b, 99, VFIOSIM_ENGINE_FAULTED, EOPNOTSUPP);
	bench_done(&b);
}
END_TEST

START_TEST(test_interrupt)
{
	struct bench b;
	uint64_t uva;
	int fd;

	bench_init(&b, "engine", devices[_i]);
	uva = memory(&b, 4096);
	map(&b, 0, uva, 4096, RW);
	fd = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, VFIO_PCI_MSI_IRQ_INDEX, 0, fd);
	program(&b, 0, 0x800, 16, 0);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 0);
	program(&b, 0, 0x800, 16, VFIOSIM_ENGINE_RAISE);
	command(&b, VFIOSIM_ENGINE_COPY, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	command(&b, VFIOSIM_ENGINE_INTERRUPT, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	bench_done(&b);
}
END_TEST

START_TEST(test_pins)
{
	struct vfiosim_counters counters;
	struct bench b;
	uint64_t uva;

	bench_init(&b, "engine", "pinner0");
	uva = memory(&b, MEG);
	map(&b, 0x100000, uva, MEG, RW);
	program(&b, 0x100000, 0, 0x3000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_PINNED, 8), 3);
	program(&b, 0x180000, 0, 0x1000, VFIOSIM_ENGINE_PIN_WRITE);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_DONE, 0);
	vfiosim_counters(b.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 4);
	program(&b, 0x101000, 0, 1, 0);	/* touches the first */
	command(&b, VFIOSIM_ENGINE_UNPIN, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_PINNED, 8), 1);
	unmap(&b, 0x100000, MEG);	/* the driver is told, and lets go of the second */
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_PINNED, 8), 0);
	vfiosim_counters(b.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	bench_done(&b);
}
END_TEST

START_TEST(test_pins_refused)
{
	struct bench b;
	uint64_t uva;

	bench_init(&b, "engine", "pinner0");
	uva = memory(&b, 8192);
	map(&b, 0, uva, 4096, VFIO_DMA_MAP_FLAG_READ);
	map(&b, 0x10000, 0x10000, 4096, RW);	/* lazily: nobody has looked behind it yet */
	program(&b, 0, 0, 0x1000, VFIOSIM_ENGINE_PIN_WRITE);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, EPERM);
	program(&b, 0, 0, 0x2000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, EINVAL);
	program(&b, 0x10000, 0, 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, EFAULT);
	program(&b, 0x100, 0, 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, EINVAL);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_PINNED, 8), 0);
	/* No more than 1 GiB, however much is mapped. */
	map(&b, 1ull << 40, 1ull << 40, 1ull << 40, RW);
	program(&b, 1ull << 40, 0, (1ull << 30) + 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, ENOSPC);
	bench_done(&b);
}
END_TEST

START_TEST(test_physical_cannot_pin)
{
	struct bench b;

	bench_init(&b, "engine", "dma0");
	program(&b, 0, 0, 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_FAULTED, EOPNOTSUPP);
	command(&b, VFIOSIM_ENGINE_UNPIN, VFIOSIM_ENGINE_FAULTED, EOPNOTSUPP);
	bench_done(&b);
}
END_TEST

START_TEST(test_reset_and_close)
{
	struct vfiosim_counters counters;
	struct bench b;
	uint64_t uva;

	bench_init(&b, "engine", "pinner0");
	uva = memory(&b, 4096);
	map(&b, 0, uva, 4096, RW);
	program(&b, 0, 0, 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_DONE, 0);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_RESET, NULL, 0), 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_LENGTH, 8), 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_PINNED, 8), 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_ID, 4), VFIOSIM_ENGINE_MAGIC);
	program(&b, 0, 0, 0x1000, 0);
	command(&b, VFIOSIM_ENGINE_PIN, VFIOSIM_ENGINE_DONE, 0);
	vfiosim_inproc_close(b.proc, b.device);
	vfiosim_counters(b.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	bench_done(&b);
}
END_TEST

/* Registers take any size and alignment; read-only ones take nothing. */
START_TEST(test_access)
{
	struct bench b;

	bench_init(&b, "engine", "dma0");
	for (unsigned i = 0; i < 8; i++)
		put(&b, VFIOSIM_ENGINE_SOURCE + i, 1, i + 1);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_SOURCE, 8), 0x0807060504030201);
	put(&b, VFIOSIM_ENGINE_ID, 8, 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_ID, 4), VFIOSIM_ENGINE_MAGIC);
	put(&b, VFIOSIM_ENGINE_STATUS, 4, 77);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_STATUS, 4), VFIOSIM_ENGINE_IDLE);
	put(&b, VFIOSIM_ENGINE_COMMAND, 2, VFIOSIM_ENGINE_RESET);	/* half a doorbell */
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_SOURCE, 8), 0x0807060504030201);
	put(&b, VFIOSIM_ENGINE_COMMAND + 2, 2, 0);
	ck_assert_uint_eq(get(&b, VFIOSIM_ENGINE_SOURCE, 8), 0);
	bench_done(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_add_loop_test(tcase, test_copy, 0, 2);
	tcase_add_loop_test(tcase, test_window, 0, 2);
	tcase_add_loop_test(tcase, test_faults, 0, 2);
	tcase_add_loop_test(tcase, test_interrupt, 0, 2);
	tcase_add_test(tcase, test_pins);
	tcase_add_test(tcase, test_pins_refused);
	tcase_add_test(tcase, test_physical_cannot_pin);
	tcase_add_test(tcase, test_reset_and_close);
	tcase_add_test(tcase, test_access);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
