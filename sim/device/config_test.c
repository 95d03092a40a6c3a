/* SPDX-License-Identifier: MIT */
/* Configuration space: what is built from a topology's row, and what writes may change. */
#include "device/config.h"

#include <string.h>

#include "device/device_test.h"

static uint32_t read_at(const struct pci_config *config, unsigned pos, unsigned size)
{
	uint32_t value = 0;

	pci_config_read(config, &value, size, pos);
	return value;
}

static struct config_effect write_at(struct pci_config *config, unsigned pos, unsigned size,
				     uint32_t value)
{
	return pci_config_write(config, &value, size, pos);
}

static const struct vfiosim_topo_device nic = {
	.vendor = 0x8086, .device = 0x10d3, .subvendor = 0x1af4, .subdevice = 0x1100,
	.class_code = 0x020000, .revision = 3, .intx_pin = 1, .pcie = true, .flr = true,
	.msi = 3, .msi_maskable = true,
	.msix = 5, .msix_bar = 3, .msix_table = 0, .msix_pba = 0x2000,
	.rom = 0x40000,
	.bars = {
		[0] = { .size = 0x20000 },
		[2] = { .size = 0x20, .io = true },
		[3] = { .size = 0x4000 },
		[4] = { .size = 0x200000000, .is64 = true, .prefetch = true },
	},
};

START_TEST(test_header)
{
	struct pci_config config;

	pci_config_init(&config, &nic);
	ck_assert_uint_eq(config.size, 4096);
	ck_assert_uint_eq(read_at(&config, 0, 4), 0x10d38086);
	ck_assert_uint_eq(read_at(&config, 8, 4), 0x02000003);
	ck_assert_uint_eq(read_at(&config, 0x2c, 4), 0x11001af4);
	ck_assert_uint_eq(read_at(&config, CONFIG_INTX_PIN, 1), 1);
	write_at(&config, 0, 4, 0);
	ck_assert_uint_eq(read_at(&config, 0, 4), 0x10d38086);
	write_at(&config, 0x3c, 1, 11);
	ck_assert_uint_eq(read_at(&config, 0x3c, 2), 0x010b);
	ck_assert(pci_config_memory_enabled(&config));
	write_at(&config, CONFIG_COMMAND, 2, 0x0401);
	ck_assert(!pci_config_memory_enabled(&config));
	ck_assert(pci_config_intx_disabled(&config));
	ck_assert_uint_eq(read_at(&config, CONFIG_COMMAND, 2), 0x0401);
}
END_TEST

static const struct {
	unsigned pos;
	uint32_t initial, sized;
} bars[] = {
	{ 0x10, 0x0, 0xfffe0000 },	{ 0x14, 0x0, 0x0 },
	{ 0x18, 0x1, 0xffffffe1 },	{ 0x1c, 0x0, 0xffffc000 },
	{ 0x20, 0xc, 0x0000000c },	{ 0x24, 0x0, 0xfffffffe },
	{ CONFIG_ROM, 0x0, 0xfffc0001 },
};

START_TEST(test_sizing)
{
	struct pci_config config;

	pci_config_init(&config, &nic);
	ck_assert_uint_eq(read_at(&config, bars[_i].pos, 4), bars[_i].initial);
	write_at(&config, bars[_i].pos, 4, ~0u);
	ck_assert_uint_eq(read_at(&config, bars[_i].pos, 4), bars[_i].sized);
	write_at(&config, bars[_i].pos, 4, 0x12345678);
	ck_assert_uint_eq(read_at(&config, bars[_i].pos, 4),
			  ((0x12345678 & bars[_i].sized) | bars[_i].initial));
}
END_TEST

/* Every capability of the chain, by number. */
static unsigned find_capability(const struct pci_config *config, uint8_t id)
{
	unsigned pos = read_at(config, 0x34, 1), steps = 0;

	while (pos && read_at(config, pos, 1) != id) {
		pos = read_at(config, pos + 1, 1);
		ck_assert_uint_lt(++steps, 48);
	}
	return pos;
}

START_TEST(test_capabilities)
{
	struct pci_config config;

	pci_config_init(&config, &nic);
	ck_assert_uint_eq(find_capability(&config, 0x01), config.pm);
	ck_assert_uint_eq(find_capability(&config, 0x05), config.msi);
	ck_assert_uint_eq(find_capability(&config, 0x11), config.msix);
	ck_assert_uint_eq(find_capability(&config, 0x10), config.express);
	ck_assert_uint_eq(find_capability(&config, 0x09), 0);
	ck_assert_uint_eq(read_at(&config, config.msix + 2, 2), 4);
	ck_assert_uint_eq(read_at(&config, config.msix + 4, 4), 3);
	ck_assert_uint_eq(read_at(&config, config.msix + 8, 4), 0x2003);
	ck_assert_uint_eq(read_at(&config, 0x100, 4), 0x00020001);
}
END_TEST

START_TEST(test_serial_number)
{
	struct vfiosim_topo_device numbered = nic;
	struct pci_config config;
	unsigned at;

	numbered.serial_number = 0x525400ffff123456;
	pci_config_init(&config, &numbered);
	at = read_at(&config, 0x100, 4) >> 20;
	ck_assert_uint_eq(read_at(&config, at, 4), 0x00010003);
	ck_assert_uint_eq(read_at(&config, at + 4, 4), 0xff123456);
	ck_assert_uint_eq(read_at(&config, at + 8, 4), 0x525400ff);
	write_at(&config, at + 4, 0, 4);
	ck_assert_uint_eq(read_at(&config, at + 4, 4), 0xff123456);
	numbered.pcie = false;
	pci_config_init(&config, &numbered);
	ck_assert_uint_eq(config.size, 256);
}
END_TEST

START_TEST(test_conventional)
{
	struct vfiosim_topo_device edu = { .vendor = 0x1234, .device = 0x11e8, .msi = 1 };
	struct pci_config config;

	pci_config_init(&config, &edu);
	ck_assert_uint_eq(config.size, 256);
	ck_assert_uint_eq(config.pm | config.express | config.msix, 0);
	ck_assert_uint_eq(find_capability(&config, 0x05), config.msi);
	edu.msi = 0;
	pci_config_init(&config, &edu);
	ck_assert_uint_eq(read_at(&config, 0x34, 1), 0);
	ck_assert_uint_eq(read_at(&config, 6, 2) & 0x10, 0);
}
END_TEST

START_TEST(test_msi)
{
	struct pci_config config;

	ck_assert_uint_eq(pci_msi_count(&nic), 4);
	pci_config_init(&config, &nic);
	/* 4 vectors, 64 bits, masks */
	ck_assert_uint_eq(read_at(&config, config.msi + 2, 2), 0x0184);
	write_at(&config, config.msi + 2, 2, 0x0051);	/* 32 of them, on */
	ck_assert_uint_eq(read_at(&config, config.msi + 2, 2), 0x01a5);
	pci_config_show_msi(&config, false, false);	/* on is what the driver says */
	ck_assert_uint_eq(read_at(&config, config.msi + 2, 2), 0x01a4);
	write_at(&config, config.msix + 2, 2, 0xffff);
	ck_assert_uint_eq(read_at(&config, config.msix + 2, 2), 4);
	pci_config_show_msi(&config, false, true);
	ck_assert_uint_eq(read_at(&config, config.msix + 2, 2), 0x8004);
}
END_TEST

START_TEST(test_power_and_reset)
{
	struct pci_config config;

	pci_config_init(&config, &nic);
	write_at(&config, config.pm + 4, 2, 3);
	ck_assert(!pci_config_memory_enabled(&config));
	write_at(&config, config.pm + 4, 2, 0);
	ck_assert(pci_config_memory_enabled(&config));
	ck_assert(write_at(&config, config.express + 8, 2, 0x8000).reset);
	ck_assert_uint_eq(read_at(&config, config.express + 8, 2) & 0x8000, 0);
	ck_assert(!write_at(&config, config.express + 8, 1, 0xff).reset);
	ck_assert(write_at(&config, config.express + 9, 1, 0x80).reset);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_test(tcase, test_header);
	tcase_add_loop_test(tcase, test_sizing, 0, sizeof(bars) / sizeof(bars[0]));
	tcase_add_test(tcase, test_capabilities);
	tcase_add_test(tcase, test_serial_number);
	tcase_add_test(tcase, test_conventional);
	tcase_add_test(tcase, test_msi);
	tcase_add_test(tcase, test_power_and_reset);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
