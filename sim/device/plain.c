/* SPDX-License-Identifier: MIT */
/*
 * plain: an mdev that looks like a PCI function, described wholly by its topology.
 * It can always be reset, does not care about its memory enable bit, and belongs
 * to no bus.
 */
#include <vfiosim/topology.h>

#include "device/feature.h"
#include "device/models.h"
#include "device/pci.h"

static void info(struct device *dev, struct device_info *ret_info)
{
	*ret_info = (struct device_info){
		.reset = true,
		.pci = true,
		.n_regions = REGION_COUNT,
		.n_irqs = IRQ_COUNT,
	};
}

static int reset(struct call *call, struct device *dev)
{
	pci_reset_function(call, dev);
	changed(call, "{device} is reset", VS("device", dev->topo->address));
	return 0;
}

static int feature(struct call *call, struct device *dev, uint32_t flags, uint64_t data_uva,
		   size_t data_size)
{
	return feature_run(call, dev, NULL, 0, flags, data_uva, data_size);
}

const struct vfio_device_ops plain_ops = {
	.name = "plain",
	.base = { .pin = plain_pin },
	.init = pci_init,
	.release = pci_done,
	.open = pci_open,
	.close = pci_close,
	.info = info,
	.region_info = pci_region_info,
	.irq_info = pci_irq_info,
	.set_irqs = pci_set_irqs,
	.unmask_event = pci_unmask_event,
	.reset = reset,
	.request = pci_request,
	.feature = feature,
	.read = pci_read,
	.write = pci_write,
	.mmap = pci_mmap,
	.dma_unmap = pci_dma_unmap,
};
