/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d. Mirrors drivers/iommu/intel/iommu.c (7.2): first-level or second-level
 * tables of 39, 48 or 57 bits, one page table format for units of equal width.
 *
 * The registers CAP and ECAP are the one source of what sysfs and
 * IOMMU_GET_HW_INFO tell. A topology may give them (`registers: {cap:, ecap:}`);
 * otherwise they are made from the aperture, the page sizes and the two features,
 * on top of those of a unit as QEMU emulates it.
 */
#include "iommu/vtd.h"

#include <vfiosim/topology.h>

#include "iommu/domain.h"
#include "iommu/group.h"
#include "machine/device.h"
#include "machine/kernel.h"

/* ND = 6 (65,536 domains), CM, FRO = 0x22, PSI, MAMV = 18, DWD, DRD. */
#define CAP_BASE 0x00d2008022000086ull
#define CAP_SAGAW_39 (1ull << 9)
#define CAP_SAGAW_48 (1ull << 10)
#define CAP_SAGAW_57 (1ull << 11)
#define CAP_MGAW_SHIFT 16	/* the address width less one */
#define CAP_SLLPS_2M (1ull << 34)
#define CAP_SLLPS_1G (1ull << 35)
/* QI, PT, IRO = 0x00f, MHMV = 15. */
#define ECAP_BASE 0xf00f42ull
#define ECAP_IR (1ull << 3)
#define ECAP_SC (1ull << 7)

static unsigned address_width(const struct iommu *iommu)
{
	uint64_t last = iommu->topo->aperture.last;

	return last ? 64 - (unsigned)__builtin_clzll(last) : 1;
}

static uint64_t table_widths(unsigned width)
{
	if (width > 48)
		return CAP_SAGAW_39 | CAP_SAGAW_48 | CAP_SAGAW_57;
	return width > 39 ? CAP_SAGAW_39 | CAP_SAGAW_48 : CAP_SAGAW_39;
}

static uint64_t derived_cap(const struct iommu *iommu)
{
	uint64_t sizes = iommu->topo->page_sizes;
	unsigned width = address_width(iommu);

	return CAP_BASE | table_widths(width) | (uint64_t)((width - 1) & 0x3f) << CAP_MGAW_SHIFT |
	       (sizes >> 21 & 1 ? CAP_SLLPS_2M : 0) | (sizes >> 30 & 1 ? CAP_SLLPS_1G : 0);
}

struct vtd_registers vtd_registers(const struct iommu *iommu)
{
	struct vtd_registers registers;

	if (!iommu_register(iommu, "cap", &registers.cap))
		registers.cap = derived_cap(iommu);
	if (!iommu_register(iommu, "ecap", &registers.ecap))
		registers.ecap = ECAP_BASE | (iommu->topo->snoop_control ? ECAP_SC : 0) |
				 (iommu->topo->interrupt_remapping ? ECAP_IR : 0);
	return registers;
}

/* ---- Domains ---- */

static int refuse_unsupported(struct call *call, const struct iommu *iommu, const char *what)
{
	return refuse(call, RULE_UNSUPPORTED, VS("iommu", iommu->name), VS("what", what));
}

/* A legacy-mode unit has neither scalable mode's nesting nor its dirty bits. */
static int check_domain(struct call *call, const struct iommu *iommu,
			const struct domain_request *request)
{
	if (request->nest_parent || request->type == DOMAIN_NESTED)
		return refuse_unsupported(call, iommu, "nesting");
	if (request->dirty_tracking)
		return refuse_unsupported(call, iommu, "dirty tracking");
	return 0;
}

/*
 * Until 6.5 this driver alone kept devices with an RMRR from userspace; since then no
 * group with one gets this far. Mirrors device_is_rmrr_locked (6.1).
 */
static int check_attach(struct call *call, const struct iommu *iommu,
			const struct iommu_group *group)
{
	const struct device *dev;
	const struct vfiosim_resv *resv =
		kernel_has(call->sim, KERNEL_REQUIRE_DIRECT) ? NULL : iommu_group_direct(group, &dev);

	if (!resv)
		return 0;
	return refuse(call, RULE_RMRR_LOCKED, V("group", group->number),
		      VS("device", dev->topo->address), V("first", resv->range.first),
		      V("last", resv->range.last));
}

static void geometry(const struct iommu *iommu, struct domain_geometry *ret_geometry)
{
	const struct vfiosim_topo_iommu *topo = iommu->topo;

	*ret_geometry = (struct domain_geometry){
		.aperture = { topo->aperture.first, topo->aperture.last },
		.page_sizes = topo->page_sizes,
		.enforces_coherency = topo->snoop_control,
	};
}

/* ---- Sysfs ---- */

static void show_address(const struct iommu *iommu, FILE *to)
{
	fprintf(to, "%llx\n", 0xfed90000ull + 0x1000ull * iommu->index);
}

static void show_cap(const struct iommu *iommu, FILE *to)
{
	fprintf(to, "%llx\n", (unsigned long long)vtd_registers(iommu).cap);
}

static void show_ecap(const struct iommu *iommu, FILE *to)
{
	fprintf(to, "%llx\n", (unsigned long long)vtd_registers(iommu).ecap);
}

static void show_version(const struct iommu *iommu, FILE *to)
{
	fprintf(to, "1:0\n");
}

static const struct iommu_attribute attributes[] = {
	{ "address", show_address },
	{ "cap", show_cap },
	{ "ecap", show_ecap },
	{ "version", show_version },
	{ NULL, NULL },
};

static const char *const registers[] = { "cap", "ecap", NULL };

const struct iommu_ops vtd_ops = {
	.type = "vt-d",
	.registers = registers,
	.sysfs_folder = "intel-iommu",
	.attributes = attributes,
	.check_domain = check_domain,
	.geometry = geometry,
	.check_attach = check_attach,
	.fits = domain_same_geometry,
	.check_map = domain_check_pages,
};
