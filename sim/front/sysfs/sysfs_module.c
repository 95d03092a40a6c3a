/* SPDX-License-Identifier: MIT */
/*
 * module/: parameters. Those the simulator knows take effect at once, as the
 * kernel's do; the others are remembered nowhere and say what the kernel's
 * defaults are.
 */
#include "front/sysfs/sysfs.h"

#include "machine/kernel.h"

static void show_bool(FILE *to, bool value)
{
	fprintf(to, "%c\n", value ? 'Y' : 'N');
}

static void show_no(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	show_bool(to, false);
}

static void show_noiommu(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	show_bool(to, sim->noiommu);
}

static int store_noiommu(struct call *call, const struct subject *subject, const char *text,
			 size_t length)
{
	int ret = sysfs_store_bool(call, "enable_unsafe_noiommu_mode", text, &call->sim->noiommu);

	if (!ret)
		changed(call, "enable_unsafe_noiommu_mode is {value}",
			VS("value", call->sim->noiommu ? "Y" : "N"));
	return ret;
}

static void show_unsafe(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	show_bool(to, sim->allow_unsafe_interrupts);
}

static int store_unsafe(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	int ret = sysfs_store_bool(call, "allow_unsafe_interrupts", text,
				   &call->sim->allow_unsafe_interrupts);

	if (!ret)
		changed(call, "allow_unsafe_interrupts is {value}",
			VS("value", call->sim->allow_unsafe_interrupts ? "Y" : "N"));
	return ret;
}

static bool has_iommufd(const struct vfiosim *sim, const struct subject *subject)
{
	return kernel_has_iommufd(sim);
}

static bool has_noiommu(const struct vfiosim *sim, const struct subject *subject)
{
	return sim->topology->config_noiommu;
}

static void show_iommufd_unsafe(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	show_bool(to, sim->iommufd_unsafe_interrupts);
}

static int store_iommufd_unsafe(struct call *call, const struct subject *subject, const char *text,
				size_t length)
{
	int ret = sysfs_store_bool(call, "allow_unsafe_interrupts", text,
				   &call->sim->iommufd_unsafe_interrupts);

	if (!ret)
		changed(call, "allow_unsafe_interrupts of iommufd is {value}",
			VS("value", call->sim->iommufd_unsafe_interrupts ? "Y" : "N"));
	return ret;
}

static void show_limit(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%u\n", sim->dma_entry_limit);
}

static int store_limit(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	uint64_t number;
	int ret = sysfs_store_number(call, "dma_entry_limit", text, &number);

	if (ret)
		return ret;
	if (number > UINT32_MAX)
		return refuse(call, RULE_ATTRIBUTE_VALUE, VS("text", text),
			      VS("attribute", "dma_entry_limit"));
	call->sim->dma_entry_limit = (uint32_t)number;
	changed(call, "dma_entry_limit is {limit:d}", V("limit", number));
	return 0;
}

/* Taken when it is a truth value; no behaviour hangs on it. */
static int store_any_bool(struct call *call, const struct subject *subject, const char *text,
			  size_t length)
{
	bool value;

	return sysfs_store_bool(call, "the parameter", text, &value);
}

static const struct entry vfio_parameters[] = {
	ATTR("enable_unsafe_noiommu_mode", 0644, show_noiommu, store_noiommu, has_noiommu),
	{ NULL },
};

static const struct entry type1_parameters[] = {
	ATTR("allow_unsafe_interrupts", 0644, show_unsafe, store_unsafe),
	ATTR("disable_hugepages", 0644, show_no, store_any_bool),
	ATTR("dma_entry_limit", 0644, show_limit, store_limit),
	{ NULL },
};

static const struct entry pci_parameters[] = {
	ATTR("disable_denylist", 0444, show_no, NULL),
	ATTR("disable_idle_d3", 0644, show_no, store_any_bool),
	ATTR("nointxmask", 0644, show_no, store_any_bool),
	{ NULL },
};

static const struct entry iommufd_parameters[] = {
	ATTR("allow_unsafe_interrupts", 0644, show_iommufd_unsafe, store_iommufd_unsafe),
	{ NULL },
};

#define PARAMETERS(name_)                                                                      \
	static void list_##name_##_parameters(struct listing *listing,                        \
					      const struct subject *subject)                  \
	{                                                                                      \
		listing_table(listing, name_##_parameters, subject);                           \
	}                                                                                      \
	static const struct entry name_##_module[] = {                                         \
		FOLDER("parameters", list_##name_##_parameters), { NULL }                      \
	};                                                                                     \
	static void list_##name_##_module(struct listing *listing,                            \
					  const struct subject *subject)                      \
	{                                                                                      \
		listing_table(listing, name_##_module, subject);                               \
	}

PARAMETERS(iommufd)
PARAMETERS(vfio)
PARAMETERS(type1)
PARAMETERS(pci)

static const struct entry modules[] = {
	FOLDER("iommufd", list_iommufd_module, has_iommufd),
	FOLDER("vfio", list_vfio_module),
	FOLDER("vfio_iommu_type1", list_type1_module),
	FOLDER("vfio_pci", list_pci_module),
	{ NULL },
};

void sysfs_list_modules(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, modules, subject);
}
