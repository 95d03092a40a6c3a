/* SPDX-License-Identifier: MIT */
/*
 * Areas that share pages: what a copy and its original have pinned is pinned once. On
 * the engine machine, in process: vfio0 and vfio1 are dma0 and dma1, vfio2 is the mdev
 * pinner0. Three ioas, for one of them each.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>

#include "base/suite_test.h"

#define READABLE (VFIOSIM_IOAS_MAP_FIXED_IOVA | VFIOSIM_IOAS_MAP_READABLE)
#define RW (READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)
#define READ_WRITE (VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE)
#define IOVA 0x100000ull

enum { DMA0, DMA1, PINNER, N_DEVICES };

static struct story story;
static int iommufd, cdev[N_DEVICES];
static uint32_t ioas[N_DEVICES];

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static uint32_t ioas_alloc(void)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static void begin(void)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16 };
	char path[64];

	story_begin(&story, "engine");
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
	bind.iommufd = iommufd;
	for (int i = 0; i < N_DEVICES; i++) {
		ioas[i] = ioas_alloc();
		snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%d", i);
		cdev[i] = vfiosim_inproc_open(story.proc, path);
		ck_assert_int_ge(cdev[i], 0);
		ck_assert_int_eq(ask(cdev[i], VFIOSIM_DEVICE_BIND_IOMMUFD, &bind), 0);
	}
}

static void end(void)
{
	story_end(&story);
}

/* ---- Calls ---- */

static long __attach(int device)
{
	struct vfiosim_device_attach_iommufd_pt cmd = { .argsz = 12, .pt_id = ioas[device] };

	return command_struct(&story, cdev[device], VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd, 12);
}

static void attach(int device)
{
	ck_assert_int_eq(__attach(device), 0);
}

static void detach(int device)
{
	struct vfiosim_device_detach_iommufd_pt cmd = { .argsz = 8 };

	ck_assert_int_eq(command_struct(&story, cdev[device], VFIOSIM_DEVICE_DETACH_IOMMUFD_PT,
					&cmd, 8), 0);
}

/* @pages of memory at @uva, mapped at @iova for @device. */
static long __ioas_map(int device, uint64_t iova, uint64_t uva, uint64_t pages)
{
	struct vfiosim_iommu_ioas_map cmd = { .size = sizeof(cmd), .flags = RW,
					      .ioas_id = ioas[device], .user_va = uva,
					      .length = pages * PAGE, .iova = iova };

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP, &cmd);
}

static void ioas_map(int device, uint64_t iova, uint64_t uva, uint64_t pages)
{
	ck_assert_int_eq(__ioas_map(device, iova, uva, pages), 0);
}

static long __ioas_unmap(int device, uint64_t iova, uint64_t pages)
{
	struct vfiosim_iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = ioas[device],
						.iova = iova, .length = pages * PAGE };

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &cmd);
}

static void ioas_unmap(int device, uint64_t iova, uint64_t pages)
{
	ck_assert_int_eq(__ioas_unmap(device, iova, pages), 0);
}

static long copy_as(uint32_t flags, int to, uint64_t iova, int from, uint64_t source, uint64_t pages)
{
	struct vfiosim_iommu_ioas_copy cmd = { .size = sizeof(cmd), .flags = flags,
					       .dst_ioas_id = ioas[to], .src_ioas_id = ioas[from],
					       .length = pages * PAGE, .dst_iova = iova,
					       .src_iova = source };

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &cmd);
}

static void copy(int to, uint64_t iova, int from, uint64_t source, uint64_t pages)
{
	ck_assert_int_eq(copy_as(RW, to, iova, from, source, pages), 0);
}

static void pin(uint64_t iova, uint64_t pages)
{
	engine(&story, cdev[PINNER], VFIOSIM_ENGINE_PIN, iova, 0, pages * PAGE);
}

static void unpin(uint64_t iova, uint64_t pages)
{
	__engine(&story, cdev[PINNER], VFIOSIM_ENGINE_UNPIN, iova, 0, pages * PAGE);
}

static uint64_t pinned_pages(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(story.sim, &counters);
	return counters.pinned_pages;
}

/* ---- Domains ---- */

START_TEST(a_copy_is_pinned_once)
{
	attach(DMA0);
	attach(DMA1);
	ioas_map(DMA0, IOVA, memory(&story, 4, READ_WRITE), 4);
	copy(DMA1, 0, DMA0, IOVA, 4);
	ck_assert_uint_eq(pinned_pages(), 4);
	ioas_unmap(DMA0, IOVA, 4);
	ck_assert_uint_eq(pinned_pages(), 4);
	copy(DMA1, IOVA, DMA1, 0, 4);
	ioas_unmap(DMA1, 0, 4);
	ck_assert_uint_eq(pinned_pages(), 4);
	ioas_unmap(DMA1, IOVA, 4);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

START_TEST(parts_that_overlap)
{
	ioas_map(DMA0, IOVA, memory(&story, 8, READ_WRITE), 8);
	copy(DMA1, 0, DMA0, IOVA + 2 * PAGE, 3);	/* pages 2..4 */
	copy(DMA1, 8 * PAGE, DMA0, IOVA + 4 * PAGE, 3);	/* pages 4..6 */
	ck_assert_uint_eq(pinned_pages(), 0);
	attach(DMA1);
	ck_assert_uint_eq(pinned_pages(), 5);
	attach(DMA0);
	ck_assert_uint_eq(pinned_pages(), 8);
	ioas_unmap(DMA0, IOVA, 8);
	ck_assert_uint_eq(pinned_pages(), 5);
	ioas_unmap(DMA1, 0, 3);
	ck_assert_uint_eq(pinned_pages(), 3);
	detach(DMA1);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* What is pinned stays, so a copy of it needs neither the memory nor the process. */
START_TEST(nobody_looks_at_pinned_pages_again)
{
	struct vfiosim_inproc *child, *parent = story.proc;
	uint64_t uva = memory(&story, 2, READ_WRITE);

	attach(DMA0);
	attach(DMA1);
	ck_assert_int_eq(vfiosim_inproc_fork(parent, &child), 0);
	story.proc = child;
	ioas_map(DMA0, IOVA, uva, 2);
	story.proc = parent;
	ck_assert_int_eq(vfiosim_inproc_munmap(child, uva, PAGE), 0);
	copy(DMA1, 0, DMA0, IOVA, 2);
	vfiosim_inproc_destroy(child);
	copy(DMA1, 2 * PAGE, DMA0, IOVA, 2);
	ioas_unmap(DMA0, IOVA, 2);
	copy(DMA0, IOVA, DMA1, 0, 2);
	ck_assert_uint_eq(pinned_pages(), 2);
	ioas_unmap(DMA0, IOVA, 2);
	detach(DMA1);
	ck_assert_int_eq(__attach(DMA1), -EFAULT);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* One page of three is pinned; of the others one is not there. */
START_TEST(a_copy_that_is_pinned_in_part)
{
	uint64_t uva = memory(&story, 3, READ_WRITE);

	ioas_map(DMA0, IOVA, uva, 3);
	copy(DMA1, 0, DMA0, IOVA + PAGE, 1);
	attach(DMA1);
	ck_assert_int_eq(vfiosim_inproc_munmap(story.proc, uva, 2 * PAGE), 0);
	copy(DMA1, PAGE, DMA0, IOVA + PAGE, 2);
	ck_assert_uint_eq(pinned_pages(), 2);
	ck_assert_int_eq(copy_as(RW, DMA1, 0x10000, DMA0, IOVA, 3), -EFAULT);
	ck_assert_rule(&story, "pin-unmapped");
	ck_assert_uint_eq(pinned_pages(), 2);
	ck_assert_int_eq(__attach(DMA0), -EFAULT);
	ck_assert_uint_eq(pinned_pages(), 2);
}
END_TEST

/* Pages are pinned as they were mapped, also for a copy that only reads. */
START_TEST(a_copy_that_only_reads)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ);

	attach(DMA1);
	ioas_map(DMA0, IOVA, uva, 1);
	ck_assert_int_eq(copy_as(READABLE, DMA1, 0, DMA0, IOVA, 1), -EFAULT);
	ck_assert_rule(&story, "pin-unwritable");
}
END_TEST

/* A later piece fails: the earlier ones go again, and what they alone had pinned. */
START_TEST(all_pieces_or_none)
{
	uint64_t uva = memory(&story, 4, READ_WRITE);

	attach(DMA1);
	ioas_map(DMA0, IOVA, uva, 2);
	ioas_map(DMA0, IOVA + 2 * PAGE, uva + 2 * PAGE, 2);
	copy(DMA1, 0, DMA0, IOVA, 1);
	ck_assert_int_eq(vfiosim_inproc_munmap(story.proc, uva + 3 * PAGE, PAGE), 0);
	ck_assert_int_eq(copy_as(RW, DMA1, PAGE, DMA0, IOVA, 4), -EFAULT);
	ck_assert_uint_eq(pinned_pages(), 1);
	ck_assert_int_eq(__ioas_unmap(DMA1, PAGE, 4), -ENOENT);
	ioas_unmap(DMA0, IOVA, 4);
	ck_assert_uint_eq(pinned_pages(), 1);
}
END_TEST

/* ---- Single pages ---- */

START_TEST(an_mdev_pins_what_a_domain_has)
{
	attach(DMA0);
	attach(PINNER);
	ioas_map(DMA0, IOVA, memory(&story, 4, READ_WRITE), 4);
	copy(PINNER, 0, DMA0, IOVA, 4);
	pin(PAGE, 2);
	ck_assert_uint_eq(pinned_pages(), 4);
	ioas_unmap(DMA0, IOVA, 4);
	ck_assert_uint_eq(pinned_pages(), 2);
	copy(DMA0, IOVA, PINNER, 0, 2);
	ck_assert_uint_eq(pinned_pages(), 3);
	unpin(PAGE, 1);
	ck_assert_uint_eq(pinned_pages(), 2);
	detach(DMA0);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* A page pinned through two areas is pinned until both let go. */
START_TEST(an_mdev_pins_twice)
{
	attach(PINNER);
	ioas_map(PINNER, IOVA, memory(&story, 2, READ_WRITE), 2);
	copy(PINNER, 0, PINNER, IOVA, 2);
	pin(IOVA, 1);
	pin(0, 2);
	ck_assert_uint_eq(pinned_pages(), 2);
	ioas_unmap(PINNER, 0, 2);	/* which the mdev is told */
	ck_assert_uint_eq(pinned_pages(), 1);
	unpin(IOVA, 1);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* ---- All of it ---- */

#define N_PAGES 48u
#define N_AREAS 24u
#define N_PINS 12u
#define SLOT (N_PAGES * PAGE)	/* each area has its own iovas: its number times this */

struct model {
	struct {
		int device;
		unsigned first, n;	/* n 0: none */
	} areas[N_AREAS];
	struct {
		unsigned area, page;	/* page of the memory */
		bool is;
	} pins[N_PINS];
	bool attached[N_DEVICES];
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t iova_of(const struct model *model, unsigned area, unsigned page)
{
	return area * SLOT + (page - model->areas[area].first) * PAGE;
}

static uint64_t expected(const struct model *model)
{
	bool held[N_PAGES] = { false };
	uint64_t n = 0;

	for (unsigned i = 0; i < N_AREAS; i++)
		for (unsigned k = 0; k < model->areas[i].n; k++)
			if (model->areas[i].device != PINNER && model->attached[model->areas[i].device])
				held[model->areas[i].first + k] = true;
	for (unsigned i = 0; i < N_PINS; i++)
		if (model->pins[i].is)
			held[model->pins[i].page] = true;
	for (unsigned i = 0; i < N_PAGES; i++)
		n += held[i];
	return n;
}

/* An area in use, or a free one, from @start on; N_AREAS: none. */
static unsigned find_area(const struct model *model, unsigned start, bool used)
{
	for (unsigned i = 0; i < N_AREAS; i++)
		if (!model->areas[(start + i) % N_AREAS].n == !used)
			return (start + i) % N_AREAS;
	return N_AREAS;
}

static void random_copy(struct model *model, uint64_t *state)
{
	unsigned to = find_area(model, next_random(state) % N_AREAS, false);
	unsigned from = find_area(model, next_random(state) % N_AREAS, true);
	unsigned offset, n;

	if (to == N_AREAS)
		return;
	offset = next_random(state) % model->areas[from].n;
	n = 1 + next_random(state) % (model->areas[from].n - offset);
	model->areas[to].device = next_random(state) % N_DEVICES;
	model->areas[to].first = model->areas[from].first + offset;
	model->areas[to].n = n;
	copy(model->areas[to].device, to * SLOT, model->areas[from].device,
	     iova_of(model, from, model->areas[to].first), n);
}

static void random_unmap(struct model *model, uint64_t *state)
{
	unsigned i = find_area(model, 1 + next_random(state) % (N_AREAS - 1), true);

	if (!i)
		return;		/* the first stays: what else could be copied? */
	ioas_unmap(model->areas[i].device, i * SLOT, model->areas[i].n);
	model->areas[i].n = 0;
	for (unsigned k = 0; k < N_PINS; k++)
		if (model->pins[k].area == i)
			model->pins[k].is = false;
}

/* The engine forgets all that touches an iova, so each is pinned once. */
static void random_pin(struct model *model, uint64_t *state)
{
	unsigned i = next_random(state) % N_PINS, page;
	unsigned area = find_area(model, next_random(state) % N_AREAS, true);

	if (model->pins[i].is) {
		unpin(iova_of(model, model->pins[i].area, model->pins[i].page), 1);
		model->pins[i].is = false;
		return;
	}
	if (model->areas[area].device != PINNER)
		return;
	page = model->areas[area].first + next_random(state) % model->areas[area].n;
	for (unsigned k = 0; k < N_PINS; k++)
		if (model->pins[k].is && model->pins[k].area == area && model->pins[k].page == page)
			return;
	pin(iova_of(model, area, page), 1);
	model->pins[i].area = area;
	model->pins[i].page = page;
	model->pins[i].is = true;
}

static void random_attach(struct model *model, uint64_t *state)
{
	int device = next_random(state) % PINNER;

	if (model->attached[device])
		detach(device);
	else
		attach(device);
	model->attached[device] = !model->attached[device];
}

START_TEST(pages_are_pinned_while_anybody_has_them)
{
	struct model model = { .areas[0] = { DMA0, 0, N_PAGES } };
	uint64_t state = 88172645463325252ull + (uint64_t)_i;

	attach(PINNER);
	ioas_map(DMA0, 0, memory(&story, N_PAGES, READ_WRITE), N_PAGES);
	for (unsigned step = 0; step < 3000; step++) {
		switch (next_random(&state) % 10) {
		case 0 ... 2:
			random_copy(&model, &state);
			break;
		case 3 ... 4:
			random_unmap(&model, &state);
			break;
		case 5 ... 8:
			random_pin(&model, &state);
			break;
		default:
			random_attach(&model, &state);
		}
		ck_assert_uint_eq(pinned_pages(), expected(&model));
	}
}
END_TEST

int main(void)
{
	TCase *shared = tcase_create("shared");
	Suite *suite = suite_create("share");

	tcase_set_timeout(shared, 60);
	tcase_add_checked_fixture(shared, begin, end);
	tcase_add_test(shared, a_copy_is_pinned_once);
	tcase_add_test(shared, parts_that_overlap);
	tcase_add_test(shared, nobody_looks_at_pinned_pages_again);
	tcase_add_test(shared, a_copy_that_is_pinned_in_part);
	tcase_add_test(shared, a_copy_that_only_reads);
	tcase_add_test(shared, all_pieces_or_none);
	tcase_add_test(shared, an_mdev_pins_what_a_domain_has);
	tcase_add_test(shared, an_mdev_pins_twice);
	tcase_add_loop_test(shared, pages_are_pinned_while_anybody_has_them, 0, 3);
	suite_add_tcase(suite, shared);
	return suite_run(suite);
}
