/* SPDX-License-Identifier: MIT */
/*
 * Mappings smaller than a page under an mdev, which a copy can make although the ioas
 * is aligned to pages: read and written byte by byte, never pinned. On the engine
 * machine, in process; vfio2 is the mdev pinner0.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>

#include "base/suite_test.h"

#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)
#define FIXED (VFIOSIM_IOAS_MAP_FIXED_IOVA | RW)
#define PIECE 16u
#define N_PIECES (VFIOSIM_PAGE_SIZE / PIECE)

static struct story story;
static int iommufd, cdev;
static uint32_t ioas;	/* pinner0 is attached to it; at 0..0xfff is a page of pieces */
static uint64_t uva;	/* where each piece lies in the client's memory */

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static uint32_t ioas_alloc(void)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static void attach(void)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	struct vfiosim_device_attach_iommufd_pt pt = { .argsz = 12, .pt_id = ioas };

	cdev = vfiosim_inproc_open(story.proc, "/dev/vfio/devices/vfio2");
	ck_assert_int_ge(cdev, 0);
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind), 0);
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &pt), 0);
}

/* Pieces with nothing attached, then as one page into where the mdev looks. */
static void begin(void)
{
	struct vfiosim_iommu_ioas_copy copy = { .size = sizeof(copy), .flags = FIXED,
						.length = VFIOSIM_PAGE_SIZE };

	story_begin(&story, "engine");
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
	uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	copy.src_ioas_id = ioas_alloc();
	copy.dst_ioas_id = ioas = ioas_alloc();
	for (uint64_t i = 0; i < N_PIECES; i++) {
		struct vfiosim_iommu_ioas_map map = { .size = sizeof(map), .flags = FIXED,
						      .ioas_id = copy.src_ioas_id, .user_va = uva,
						      .length = PIECE, .iova = i * PIECE };

		ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map), 0);
	}
	attach();
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &copy), 0);
}

static void end(void)
{
	story_end(&story);
}

START_TEST(test_read)
{
	uint8_t bytes[PIECE], seen[PIECE];

	memset(bytes, 0x5a, sizeof(bytes));
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(__engine(&story, cdev, VFIOSIM_ENGINE_READ, 0, 0, VFIOSIM_ENGINE_WINDOW_SIZE), 0);
	for (uint64_t i = 0; i < VFIOSIM_ENGINE_WINDOW_SIZE; i += PIECE) {
		ck_assert_int_eq(vfiosim_inproc_pread(story.proc, cdev, seen, sizeof(seen),
						      VFIOSIM_ENGINE_WINDOW + i), sizeof(seen));
		ck_assert_mem_eq(seen, bytes, sizeof(bytes));
	}
}
END_TEST

START_TEST(test_pin)
{
	struct vfiosim_iommu_ioas_unmap unmap_first = { .size = sizeof(unmap_first),
							.ioas_id = ioas, .length = PIECE };

	ck_assert_uint_eq(__engine(&story, cdev, VFIOSIM_ENGINE_PIN, 0, 0, VFIOSIM_PAGE_SIZE), EINVAL);
	ck_assert_uint_eq(engine_read(&story, cdev, VFIOSIM_ENGINE_PINNED, 8), 0);
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &unmap_first), 0);
	ck_assert_uint_eq(__engine(&story, cdev, VFIOSIM_ENGINE_PIN, 0, 0, VFIOSIM_PAGE_SIZE), ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pieces");
	TCase *pieces = tcase_create("pieces");

	tcase_add_checked_fixture(pieces, begin, end);
	tcase_add_test(pieces, test_read);
	tcase_add_test(pieces, test_pin);
	suite_add_tcase(suite, pieces);
	return suite_run(suite);
}
