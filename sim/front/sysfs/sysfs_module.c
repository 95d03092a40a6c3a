/* SPDX-License-Identifier: MIT */
/* module/: parameters, which take effect at once, as the kernel's do. */
#include "front/sysfs/sysfs.h"

#include <string.h>

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

/* A parameter without an effect that a program could see: kept and shown. */
#define PARAMETER(name_)                                                                       \
	static void show_##name_(struct vfiosim *sim, const struct subject *subject, FILE *to) \
	{                                                                                      \
		show_bool(to, sim->name_);                                                     \
	}                                                                                      \
	static int store_##name_(struct call *call, const struct subject *subject,             \
				 const char *text, size_t length)                              \
	{                                                                                      \
		return sysfs_store_bool(call, #name_, text, &call->sim->name_);                \
	}

PARAMETER(disable_hugepages)
PARAMETER(disable_idle_d3)
PARAMETER(nointxmask)

static const struct entry vfio_parameters[] = {
	ATTR("enable_unsafe_noiommu_mode", 0644, show_noiommu, store_noiommu, has_noiommu),
	{ NULL },
};

static const struct entry type1_parameters[] = {
	ATTR("allow_unsafe_interrupts", 0644, show_unsafe, store_unsafe),
	ATTR("disable_hugepages", 0644, show_disable_hugepages, store_disable_hugepages),
	ATTR("dma_entry_limit", 0644, show_limit, store_limit),
	{ NULL },
};

static const struct entry pci_parameters[] = {
	ATTR("disable_denylist", 0444, show_no, NULL),
	ATTR("disable_idle_d3", 0644, show_disable_idle_d3, store_disable_idle_d3),
	ATTR("nointxmask", 0644, show_nointxmask, store_nointxmask),
	{ NULL },
};

static const struct entry iommufd_parameters[] = {
	ATTR("allow_unsafe_interrupts", 0644, show_iommufd_unsafe, store_iommufd_unsafe),
	{ NULL },
};

/* ---- A module that is loaded: what modprobe looks for, so that it does nothing ---- */

static void show_live(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "live\n");
}

static void target_driver(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/bus/%s/drivers/%s", subject->number ? "mdev" : "pci",
		 subject->name);
}

/* "pci:vfio-pci" */
static void list_driver_links(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_driver,
	};
	char name[SYSFS_NAME_MAX];

	snprintf(name, sizeof(name), "%s:%s", subject->number ? "mdev" : "pci", subject->name);
	listing_put(listing, name, &link, subject);
}

static const struct entry driver_entries[] = {
	FOLDER("drivers", list_driver_links),
	{ NULL },
};

/* drivers/, of a module that has one: the subject names it. */
static void list_drivers(struct listing *listing, const struct subject *subject)
{
	if (subject->name)
		listing_table(listing, driver_entries, subject);
}

#define PARAMETERS(name_)                                                                      \
	static void list_##name_##_parameters(struct listing *listing,                        \
					      const struct subject *subject)                  \
	{                                                                                      \
		listing_table(listing, name_##_parameters, subject);                           \
	}                                                                                      \
	static const struct entry name_##_module[] = {                                         \
		ATTR("initstate", 0444, show_live, NULL),                                      \
		FOLDER("parameters", list_##name_##_parameters), { NULL }                      \
	};                                                                                     \
	static void list_##name_##_module(struct listing *listing,                            \
					  const struct subject *subject)                      \
	{                                                                                      \
		listing_table(listing, name_##_module, subject);                               \
		list_drivers(listing, subject);                                                \
	}

PARAMETERS(iommufd)
PARAMETERS(vfio)
PARAMETERS(type1)
PARAMETERS(pci)

static const struct entry modules[] = {
	FOLDER("iommufd", list_iommufd_module, has_iommufd),
	FOLDER("vfio", list_vfio_module),
	FOLDER("vfio_iommu_type1", list_type1_module),
	{ NULL },
};

static const struct entry driver_module[] = {
	ATTR("initstate", 0444, show_live, NULL),
	{ NULL },
};

static void list_driver_module(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, driver_module, subject);
	list_drivers(listing, subject);
}

void sysfs_module_name(const struct device_driver *driver, char *to, size_t size)
{
	snprintf(to, size, "%s", driver->name);
	for (; *to; to++)
		if (*to == '-')
			*to = '_';
}

/* Those of drivers, but for vfio-pci's, which has parameters. pcieport is no module. */
void sysfs_list_modules(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_driver_module,
	};
	static const struct node_type vfio_pci = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_pci_module,
	};
	const struct device_driver *driver;

	listing_table(listing, modules, subject);
	TAILQ_FOREACH(driver, &listing_sim(listing)->drivers, in_sim) {
		struct subject about = { .name = driver->name, .number = driver->bus == BUS_MDEV };
		char name[SYSFS_NAME_MAX];

		if (!strcmp(driver->name, "pcieport"))
			continue;
		sysfs_module_name(driver, name, sizeof(name));
		listing_put(listing, name, strcmp(name, "vfio_pci") ? &folder : &vfio_pci, &about);
	}
}
