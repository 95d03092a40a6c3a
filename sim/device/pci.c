/* SPDX-License-Identifier: MIT */
/* A PCI function: its state, and what it says about itself. */
#include "device/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/engine.h>
#include <vfiosim/topology.h>

#include "bus/bus.h"
#include "bus/reset.h"
#include "machine/kernel.h"

/* ---- Life ---- */

static int create_engines(struct device *dev, struct pci *pci)
{
	for (unsigned i = 0; i < 6; i++) {
		const struct vfiosim_topo_bar *bar = &dev->topo->bars[i];
		int ret;

		if (strcmp(bar->registers, "engine") || bar->size < VFIOSIM_ENGINE_SIZE)
			continue;
		ret = engine_create(dev, &pci->irqs, &pci->engines[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Mirrors vfio_pci_get_irq_count. */
static void count_irqs(const struct vfiosim_topo_device *topo, uint32_t counts[IRQ_COUNT])
{
	counts[IRQ_INTX] = topo->intx_pin ? 1 : 0;
	counts[IRQ_MSI] = pci_msi_count(topo);
	counts[IRQ_MSIX] = topo->msix;
	counts[IRQ_ERR] = topo->pcie ? 1 : 0;
	counts[IRQ_REQ] = 1;
}

int pci_init(struct vfiosim *sim, struct device *dev)
{
	const struct vfiosim_topo_device *topo = dev->topo;
	struct pci *pci = calloc(1, sizeof(*pci));
	uint32_t counts[IRQ_COUNT];

	if (!pci)
		return -ENOMEM;
	dev->driver_data = pci;
	pins_init(&pci->pins, dev);
	pci->gates_memory = topo->kind == VFIOSIM_DEVICE_PCI;
	pci_config_init(&pci->config, topo);
	for (unsigned i = 0; i < 6; i++)
		storage_init(&pci->bars[i], topo->bars[i].size);
	count_irqs(topo, counts);
	if (irqs_init(&pci->irqs, dev, counts) || create_engines(dev, pci)) {
		pci_done(sim, dev);
		return -ENOMEM;
	}
	return 0;
}

void pci_done(struct vfiosim *sim, struct device *dev)
{
	struct pci *pci = dev->driver_data;

	if (!pci)
		return;
	for (unsigned i = 0; i < 6; i++) {
		storage_done(&pci->bars[i]);
		engine_destroy(pci->engines[i]);
	}
	irqs_done(&pci->irqs);
	pins_done(&pci->pins);
	free(pci);
	dev->driver_data = NULL;
}

/* It moves no more data: bus mastering is off, an mdev's pins are let go. */
static void stop(struct call *call, struct pci *pci)
{
	for (unsigned i = 0; i < 6; i++) {
		if (pci->engines[i])
			engine_reset(call, pci->engines[i]);
	}
	pins_drop(call, &pci->pins, SPAN_ALL);
}

void pci_reset_function(struct call *call, struct device *dev)
{
	struct pci *pci = pci_of(dev);

	for (unsigned i = 0; i < 6; i++)
		storage_clear(&pci->bars[i]);
	stop(call, pci);
}

static int refuse_no_method(struct call *call, const struct device *dev)
{
	return refuse(call, RULE_RESET_NO_METHOD, VS("device", dev->topo->address));
}

int pci_reset(struct call *call, struct device *dev, bool wait)
{
	if (!dev->settings.reset_methods[0])
		return refuse_no_method(call, dev);
	if (vfio_device_is_locked(dev))
		return wait ? bus_wait(call, dev) :
			      refuse(call, RULE_RESET_LOCKED, VS("device", dev->topo->address));
	if (!reset_works(dev))
		return refuse_no_method(call, dev);
	if (dev->vfio)
		pci_reset_function(call, dev);
	changed(call, "{device} is reset", VS("device", dev->topo->address));
	return 0;
}

int pci_open(struct call *call, struct device *dev)
{
	struct pci *pci = pci_of(dev);

	pci->reset_works = reset_works(dev);
	if (pci->reset_works)
		pci_reset_function(call, dev);
	pci_config_init(&pci->config, dev->topo);
	pci->low_power = false;
	return 0;
}

/* Mirrors vfio_pci_core_disable (7.2). */
void pci_close(struct call *call, struct device *dev)
{
	struct pci *pci = pci_of(dev);

	irqs_disable_all(call, &pci->irqs);
	stop(call, pci);
	pci->needs_reset = true;
	if (pci->reset_works && !vfio_device_is_locked(dev) && reset_works(dev)) {
		pci_reset_function(call, dev);
		pci->needs_reset = false;
	}
	pci_try_reset_bus(call, dev);
}

/* ---- Regions ---- */

static void bar_info(const struct vfiosim_topo_device *topo, uint32_t index,
		     struct region_info *region)
{
	const struct vfiosim_topo_bar *bar = &topo->bars[index];

	region->size = bar->size;
	if (!bar->size)
		return;
	region->readable = region->writable = true;
	region->mappable = bar->mmap;
	region->msix_mappable = bar->mmap && topo->msix && topo->msix_bar == index;
}

int pci_region_info(struct call *call, struct device *dev, uint32_t index,
		    struct region_info *ret_region)
{
	struct region_info region = { .offset = REGION_OFFSET(index) };

	if (index <= REGION_BAR5) {
		bar_info(dev->topo, index, &region);
	} else if (index == REGION_ROM) {
		region.size = dev->topo->rom_image ? dev->topo->rom : 0;
		region.readable = region.size;
	} else if (index == REGION_CONFIG) {
		region.size = pci_of(dev)->config.size;
		region.readable = region.writable = true;
	} else {
		return refuse_no_region(call, dev, index);
	}
	*ret_region = region;
	return 0;
}

/* ---- Interrupts ---- */

int pci_irq_info(struct call *call, struct device *dev, uint32_t index, struct irq_info *ret_irq)
{
	const struct irqs *irqs = &pci_of(dev)->irqs;

	if (index >= IRQ_COUNT || (index == IRQ_ERR && !irqs->counts[IRQ_ERR]))
		return irq_refuse_index(call, dev, index);
	*ret_irq = (struct irq_info){
		.count = irqs->counts[index],
		.eventfd = true,
		.maskable = index == IRQ_INTX,
		.automasked = index == IRQ_INTX,
		/* MSI-X vectors come and go one by one, where there are any. */
		.noresize = index != IRQ_INTX &&
			    !(index == IRQ_MSIX && irqs->counts[IRQ_MSIX] &&
			      kernel_has(call->sim, KERNEL_MSIX_DYNAMIC)),
	};
	return 0;
}

struct irq_event *pci_unmask_event(struct device *dev)
{
	return pci_of(dev)->irqs.unmask;
}

int pci_set_irqs(struct call *call, struct device *dev, const struct irq_set *set)
{
	struct pci *pci = pci_of(dev);
	int ret;

	ret = irqs_set(call, &pci->irqs, set);
	pci_config_show_msi(&pci->config, pci->irqs.on == IRQ_MSI, pci->irqs.on == IRQ_MSIX);
	return ret;
}

void pci_request(struct call *call, struct device *dev)
{
	irq_event_signal(call, pci_of(dev)->irqs.req);
}

/* ---- Memory that goes away ---- */

void pci_dma_unmap(struct call *call, struct device *dev, struct span iova)
{
	struct pci *pci = pci_of(dev);

	for (unsigned i = 0; i < 6; i++) {
		if (pci->engines[i])
			engine_unmap(call, pci->engines[i], iova);
	}
	pins_drop(call, &pci->pins, iova);
}
