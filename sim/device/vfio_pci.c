/* SPDX-License-Identifier: MIT */
/* vfio-pci: the driver of physical functions. */
#include <string.h>

#include <vfiosim/topology.h>

#include "device/feature.h"
#include "device/models.h"
#include "device/pci.h"
#include "topology/value.h"

/* ---- Naming: VFIO_GROUP_GET_DEVICE_FD ---- */

#define TOKEN_OPTION "vf_token="
#define UUID_SIZE 16

/* The text behind a vf_token option, or NULL when it is something else. */
static const char *skip_token(const char *option)
{
	if (strncmp(option, TOKEN_OPTION, strlen(TOKEN_OPTION)))
		return NULL;
	option += strlen(TOKEN_OPTION);
	return value_begins_with_uuid(option) ? option + UUID_LENGTH : NULL;
}

/* Mirrors vfio_pci_vf_init: physical functions have one where the kernel can have virtual ones. */
static bool has_token(const struct device *dev)
{
	return dev->topo->sriov && dev->sim->topology->config_pci_iov;
}

/* Mirrors vfio_pci_core_match: the address, and options behind a space. */
static int match(struct call *call, struct device *dev, const char *name)
{
	const char *address = dev->topo->address;
	bool token = false;

	if (strncmp(name, address, strlen(address)))
		return 0;
	name += strlen(address);
	if (*name && *name != ' ')
		return 0;
	while (*name) {
		if (*name == ' ') {
			name++;
			continue;
		}
		name = token ? NULL : skip_token(name);
		if (!name)
			return refuse(call, RULE_DEVICE_OPTION, VS("device", address));
		token = true;
	}
	/* Nobody uses a virtual function of it, for none is simulated: any token will do. */
	if (token && !has_token(dev))
		return refuse(call, RULE_VF_TOKEN_UNUSED, VS("device", address));
	return 1;
}

/* ---- Information and resets ---- */

static void info(struct device *dev, struct device_info *ret_info)
{
	*ret_info = (struct device_info){
		.reset = pci_of(dev)->reset_works,
		.pci = true,
		.n_regions = REGION_COUNT,
		.n_irqs = IRQ_COUNT,
	};
}

static int reset(struct call *call, struct device *dev)
{
	if (!pci_of(dev)->reset_works)
		return refuse(call, RULE_RESET_UNSUPPORTED, VS("device", dev->topo->address));
	return pci_reset(call, dev, false);
}

/* ---- Features ---- */

static int low_power_enter(struct call *call, struct device *dev, const struct feature_args *args)
{
	struct pci *pci = pci_of(dev);
	static const uint8_t reserved[4];

	if (args->index == FEATURE_LOW_POWER_WAKEUP && memcmp(args->data + 4, reserved, 4))
		return refuse(call, RULE_FEATURE_STATE, V("feature", args->index),
			      VS("device", dev->topo->address),
			      VS("why", "the reserved field is not 0"));
	if (pci->low_power)
		return refuse(call, RULE_FEATURE_STATE, V("feature", args->index),
			      VS("device", dev->topo->address),
			      VS("why", "low power is entered already"));
	pci->low_power = true;
	return 0;
}

static int low_power_exit(struct call *call, struct device *dev, const struct feature_args *args)
{
	pci_of(dev)->low_power = false;
	return 0;
}

/* The token that is set is asked of those who open virtual functions: there are none. */
static int set_token(struct call *call, struct device *dev, const struct feature_args *args)
{
	changed(call, "{device} has another VF token", VS("device", dev->topo->address));
	return 0;
}

/* The first one is for those who have a token. Mirrors vfio_pci_core_feature_token. */
static const struct feature features[] = {
	{ FEATURE_VF_TOKEN, FEATURE_SET, UUID_SIZE, set_token },
	{ FEATURE_LOW_POWER_ENTRY, FEATURE_SET, 0, low_power_enter },
	{ FEATURE_LOW_POWER_WAKEUP, FEATURE_SET, 8, low_power_enter },
	{ FEATURE_LOW_POWER_EXIT, FEATURE_SET, 0, low_power_exit },
};

static int feature(struct call *call, struct device *dev, uint32_t flags, uint64_t data_uva,
		   size_t data_size)
{
	size_t n = sizeof(features) / sizeof(features[0]), skipped = !has_token(dev);

	return feature_run(call, dev, features + skipped, n - skipped, flags, data_uva, data_size);
}

const struct vfio_device_ops vfio_pci_ops = {
	.name = "vfio-pci",
	.base = { .pin = vfio_pci_pin },
	.init = pci_init,
	.release = pci_done,
	.open = pci_open,
	.close = pci_close,
	.match = match,
	.has_token = has_token,
	.info = info,
	.region_info = pci_region_info,
	.irq_info = pci_irq_info,
	.set_irqs = pci_set_irqs,
	.unmask_event = pci_unmask_event,
	.reset = reset,
	.request = pci_request,
	.hot_reset_info = pci_hot_reset_info,
	.hot_reset = pci_hot_reset,
	.feature = feature,
	.read = pci_read,
	.write = pci_write,
	.mmap = pci_mmap,
};
