// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Mediated devices for real kernels that do what those of the simulator do, so that cases
 * with an mdev can be played there:
 *
 *	simdev-1	as in the topology hotadd: BAR 0 (1M) can be mapped by a program, but its
 *			pages never be pinned; those of BAR 1 (1M) can
 *	engine-1	as in the topology engine: BAR 0 holds the registers of
 *			include/vfiosim/engine.h, BAR 1 (64K) has pages that can be pinned
 *
 * They are created through /sys/class/mdev_bus/simdev. They have no interrupts.
 * Linux 6.1 and later; the parent mtty and mdpy have in samples/vfio-mdev is a device here too.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/mdev.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>
#include <linux/vmalloc.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#include "engine.h"

#define REGION_SHIFT 40		/* as vfio-pci: the region's index stands above the offset */
#define CONFIG_SIZE 256
#define BARS 2

enum backing { REGISTERS, NEVER_PINNED, PAGES };

static const struct kind {
	u16 vendor, device;
	u32 class;
	struct { u32 size; enum backing backing; } bars[BARS];
} kinds[] = {
	{ 0x1b36, 0x0010, 0x010802, { { SZ_1M, NEVER_PINNED }, { SZ_1M, PAGES } } },
	{ 0x1b36, 0x0005, 0x080100, { { SZ_4K, REGISTERS }, { SZ_64K, PAGES } } },
};

static struct mdev_type types[] = {
	{ .sysfs_name = "1", .pretty_name = "Mediated storage" },
	{ .sysfs_name = "engine", .pretty_name = "Mediated DMA engine" },
};
static struct mdev_type *const type_list[] = { &types[0], &types[1] };

/* Pages that the engine has pinned and keeps. */
struct pin {
	struct list_head entry;
	dma_addr_t iova;
	unsigned int npages;
};

struct simdev {
	struct vfio_device vdev;
	const struct kind *kind;
	struct mutex lock;		/* config, registers, pins */
	u8 config[CONFIG_SIZE];
	u8 *memory[BARS];		/* vmalloc_user(); the registers as well */
	struct list_head pins;
};

static struct simdev *to_simdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct simdev, vdev);
}

/* ---- Config space and the state after a reset -------------------------- */

static void reset_config(struct simdev *dev)
{
	u8 *config = dev->config;

	memset(config, 0, CONFIG_SIZE);
	put_unaligned_le16(dev->kind->vendor, config + PCI_VENDOR_ID);
	put_unaligned_le16(dev->kind->device, config + PCI_DEVICE_ID);
	put_unaligned_le32(dev->kind->class << 8 | 2, config + PCI_CLASS_REVISION);
	put_unaligned_le16(0x1af4, config + PCI_SUBSYSTEM_VENDOR_ID);
	put_unaligned_le16(0x1100, config + PCI_SUBSYSTEM_ID);
}

/* Only the command register and the BARs' address bits can be written. */
static void write_config(struct simdev *dev, u32 at, u8 value)
{
	u32 bar = (at - PCI_BASE_ADDRESS_0) / 4;

	if (at == PCI_COMMAND) {
		dev->config[at] = value & 7;
	} else if (at >= PCI_BASE_ADDRESS_0 && bar < BARS) {
		u32 mask = ~(dev->kind->bars[bar].size - 1);

		dev->config[at] = value & (u8)(mask >> 8 * (at % 4));
	}
}

static void reset_registers(struct simdev *dev)
{
	if (dev->kind->bars[0].backing != REGISTERS)
		return;
	memset(dev->memory[0], 0, VFIOSIM_ENGINE_SIZE);
	put_unaligned_le32(VFIOSIM_ENGINE_MAGIC, dev->memory[0] + VFIOSIM_ENGINE_ID);
	put_unaligned_le32(1, dev->memory[0] + VFIOSIM_ENGINE_VERSION);
}

/* ---- The engine: pins -------------------------------------------------- */

static void show_pins(struct simdev *dev)
{
	struct pin *pin;
	u64 pages = 0;

	list_for_each_entry(pin, &dev->pins, entry)
		pages += pin->npages;
	put_unaligned_le64(pages, dev->memory[0] + VFIOSIM_ENGINE_PINNED);
}

static void unpin(struct simdev *dev, struct pin *pin)
{
	unsigned int done, n;

	for (done = 0; done < pin->npages; done += n) {
		n = min_t(unsigned int, pin->npages - done, VFIO_PIN_PAGES_MAX_ENTRIES);
		vfio_unpin_pages(&dev->vdev, pin->iova + (dma_addr_t)done * PAGE_SIZE, n);
	}
	list_del(&pin->entry);
	kfree(pin);
}

/* Every pin that touches the range, whole. */
static void unpin_range(struct simdev *dev, u64 first, u64 last)
{
	struct pin *pin, *next;

	list_for_each_entry_safe(pin, next, &dev->pins, entry)
		if (pin->iova <= last && pin->iova + (u64)pin->npages * PAGE_SIZE - 1 >= first)
			unpin(dev, pin);
	if (dev->kind->bars[0].backing == REGISTERS)
		show_pins(dev);
}

/* The pin holds what was pinned so far, so that unpin() can take it back. */
static int pin_pages(struct simdev *dev, struct pin *pin, unsigned int npages, int prot)
{
	struct page **pages = kcalloc(VFIO_PIN_PAGES_MAX_ENTRIES, sizeof(*pages), GFP_KERNEL);
	int n = pages ? 0 : -ENOMEM;

	while (n >= 0 && pin->npages < npages) {
		n = vfio_pin_pages(&dev->vdev, pin->iova + (dma_addr_t)pin->npages * PAGE_SIZE,
				   min_t(unsigned int, npages - pin->npages, VFIO_PIN_PAGES_MAX_ENTRIES),
				   prot, pages);
		if (n > 0)
			pin->npages += n;
		else if (!n)
			n = -EFAULT;
	}
	kfree(pages);
	return n < 0 ? n : 0;
}

static int do_pin(struct simdev *dev, u64 iova, u64 length, bool writes)
{
	struct pin *pin;
	int error;

	if (!length || (iova | length) & ~PAGE_MASK || iova + length - 1 < iova)
		return -EINVAL;
	if (length > SZ_1G)
		return -ENOSPC;
	pin = kzalloc(sizeof(*pin), GFP_KERNEL);
	if (!pin)
		return -ENOMEM;
	pin->iova = iova;
	list_add_tail(&pin->entry, &dev->pins);
	error = pin_pages(dev, pin, length >> PAGE_SHIFT, IOMMU_READ | (writes ? IOMMU_WRITE : 0));
	if (error)
		unpin(dev, pin);
	show_pins(dev);
	return error;
}

/* ---- The engine: commands ---------------------------------------------- */

static int do_transfer(struct simdev *dev, u32 command, u64 from, u64 to, u64 length, u64 *at)
{
	u8 *window = dev->memory[0] + VFIOSIM_ENGINE_WINDOW;
	u64 most = command == VFIOSIM_ENGINE_COPY ? VFIOSIM_ENGINE_COPY_MAX : VFIOSIM_ENGINE_WINDOW_SIZE;
	void *data = window;
	int error = 0;

	*at = command == VFIOSIM_ENGINE_WRITE ? to : from;
	if (!length || length > most)
		return -EMSGSIZE;
	if (command == VFIOSIM_ENGINE_COPY)
		data = kvmalloc(length, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	if (command != VFIOSIM_ENGINE_WRITE)
		error = vfio_dma_rw(&dev->vdev, from, data, length, false);
	if (!error && command != VFIOSIM_ENGINE_READ) {
		*at = to;
		error = vfio_dma_rw(&dev->vdev, to, data, length, true);
	}
	if (data != window)
		kvfree(data);
	return error;
}

static void run_command(struct simdev *dev)
{
	u8 *registers = dev->memory[0];
	u32 command = get_unaligned_le32(registers + VFIOSIM_ENGINE_COMMAND);
	u32 control = get_unaligned_le32(registers + VFIOSIM_ENGINE_CONTROL);
	u64 from = get_unaligned_le64(registers + VFIOSIM_ENGINE_SOURCE), at = from;
	u64 to = get_unaligned_le64(registers + VFIOSIM_ENGINE_DESTINATION);
	u64 length = get_unaligned_le64(registers + VFIOSIM_ENGINE_LENGTH);
	int error = 0;

	switch (command) {
	case VFIOSIM_ENGINE_COPY:
	case VFIOSIM_ENGINE_READ:
	case VFIOSIM_ENGINE_WRITE:
		error = do_transfer(dev, command, from, to, length, &at);
		break;
	case VFIOSIM_ENGINE_PIN:
		error = do_pin(dev, from, length, control & VFIOSIM_ENGINE_PIN_WRITE);
		break;
	case VFIOSIM_ENGINE_UNPIN:
		if (!length || from + length - 1 < from)
			error = -EINVAL;
		else
			unpin_range(dev, from, from + length - 1);
		break;
	case VFIOSIM_ENGINE_RESET:
		unpin_range(dev, 0, U64_MAX);
		reset_registers(dev);
		return;
	default:
		error = -EINVAL;
	}
	put_unaligned_le32(error ? VFIOSIM_ENGINE_FAULTED : VFIOSIM_ENGINE_DONE,
			   registers + VFIOSIM_ENGINE_STATUS);
	put_unaligned_le32(-error, registers + VFIOSIM_ENGINE_ERROR);
	put_unaligned_le64(error ? at : 0, registers + VFIOSIM_ENGINE_FAULT);
	put_unaligned_le64(get_unaligned_le64(registers + VFIOSIM_ENGINE_COMPLETED) + 1,
			   registers + VFIOSIM_ENGINE_COMPLETED);
}

/* A register counts as written when its last byte was. */
static void write_register(struct simdev *dev, u32 at, u8 value)
{
	bool writable = (at >= VFIOSIM_ENGINE_COMMAND && at < VFIOSIM_ENGINE_STATUS) ||
			(at >= VFIOSIM_ENGINE_SOURCE && at < VFIOSIM_ENGINE_ERROR) ||
			at >= VFIOSIM_ENGINE_WINDOW;

	if (writable)
		dev->memory[0][at] = value;
	if (at == VFIOSIM_ENGINE_COMMAND + 3)
		run_command(dev);
}

/* ---- Reading and writing regions --------------------------------------- */

/* Where a region's bytes are, and how many; NULL: there is no such region. */
static u8 *region(struct simdev *dev, u32 index, u64 *ret_size)
{
	if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		*ret_size = CONFIG_SIZE;
		return dev->config;
	}
	if (index >= BARS)
		return NULL;
	*ret_size = dev->kind->bars[index].size;
	return dev->memory[index];
}

static ssize_t move(struct simdev *dev, char __user *to, const char __user *from, size_t count,
		    loff_t *position)
{
	u32 index = *position >> REGION_SHIFT;
	u64 at = *position & (BIT_ULL(REGION_SHIFT) - 1), size;
	u8 *bytes = region(dev, index, &size);
	bool plain = index == 1 || (index == 0 && dev->kind->bars[0].backing != REGISTERS);
	size_t i;

	if (!bytes || at >= size)
		return -EINVAL;
	count = min_t(u64, count, size - at);
	mutex_lock(&dev->lock);
	for (i = 0; i < count; i++) {
		u8 byte;

		if (to ? put_user(bytes[at + i], to + i) : get_user(byte, from + i))
			break;
		if (to)
			continue;
		if (plain)
			bytes[at + i] = byte;
		else if (index == 0)
			write_register(dev, at + i, byte);
		else
			write_config(dev, at + i, byte);
	}
	mutex_unlock(&dev->lock);
	*position += i;
	return i || !count ? i : -EFAULT;
}

static ssize_t simdev_read(struct vfio_device *vdev, char __user *to, size_t count, loff_t *position)
{
	return move(to_simdev(vdev), to, NULL, count, position);
}

static ssize_t simdev_write(struct vfio_device *vdev, const char __user *from, size_t count,
			    loff_t *position)
{
	return move(to_simdev(vdev), NULL, from, count, position);
}

/* ---- Mapping ----------------------------------------------------------- */

/* There is no page behind it: neither a program nor a pin gets one. */
static vm_fault_t no_page(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct never_pinned_ops = { .fault = no_page };

static int simdev_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct simdev *dev = to_simdev(vdev);
	unsigned int index = vma->vm_pgoff >> (REGION_SHIFT - PAGE_SHIFT);
	u64 at = vma->vm_pgoff & (BIT_ULL(REGION_SHIFT - PAGE_SHIFT) - 1);
	u64 length = vma->vm_end - vma->vm_start;

	if (index >= BARS || dev->kind->bars[index].backing == REGISTERS ||
	    !(vma->vm_flags & VM_SHARED) || (at << PAGE_SHIFT) + length > dev->kind->bars[index].size)
		return -EINVAL;
	if (dev->kind->bars[index].backing == PAGES)
		return remap_vmalloc_range(vma, dev->memory[index], at);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
#else
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
#endif
	vma->vm_ops = &never_pinned_ops;
	return 0;
}

/* ---- Commands ---------------------------------------------------------- */

static long device_info(void __user *arg)
{
	struct vfio_device_info info;
	size_t least = offsetofend(struct vfio_device_info, num_irqs);

	if (copy_from_user(&info, arg, least))
		return -EFAULT;
	if (info.argsz < least)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, least) ? -EFAULT : 0;
}

static int describe_region(struct simdev *dev, struct vfio_region_info *info)
{
	u64 size = 0;

	if (info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->flags = 0;
	if (region(dev, info->index, &size))
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index < BARS && dev->kind->bars[info->index].backing != REGISTERS)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	info->size = size;
	info->offset = (u64)info->index << REGION_SHIFT;
	info->cap_offset = 0;
	return 0;
}

/* Since Linux 6.19 VFIO itself copies the structure, and never asks simdev_ioctl(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static int simdev_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			      struct vfio_info_cap *caps)
{
	return describe_region(to_simdev(vdev), info);
}
#else
static long region_info(struct simdev *dev, void __user *arg)
{
	struct vfio_region_info info;
	size_t least = offsetofend(struct vfio_region_info, offset);
	int error;

	if (copy_from_user(&info, arg, least))
		return -EFAULT;
	error = info.argsz < least ? -EINVAL : describe_region(dev, &info);
	if (error)
		return error;
	return copy_to_user(arg, &info, least) ? -EFAULT : 0;
}
#endif

static long irq_info(void __user *arg)
{
	struct vfio_irq_info info;
	size_t least = offsetofend(struct vfio_irq_info, count);

	if (copy_from_user(&info, arg, least))
		return -EFAULT;
	if (info.argsz < least || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	info.count = 0;
	return copy_to_user(arg, &info, least) ? -EFAULT : 0;
}

static long simdev_ioctl(struct vfio_device *vdev, unsigned int command, unsigned long arg)
{
	struct simdev *dev = to_simdev(vdev);

	switch (command) {
	case VFIO_DEVICE_GET_INFO:
		return device_info((void __user *)arg);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(dev, (void __user *)arg);
#endif
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info((void __user *)arg);
	case VFIO_DEVICE_SET_IRQS:
		return -EINVAL;
	case VFIO_DEVICE_RESET:
		mutex_lock(&dev->lock);
		reset_config(dev);
		unpin_range(dev, 0, U64_MAX);
		reset_registers(dev);
		mutex_unlock(&dev->lock);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* ---- Life -------------------------------------------------------------- */

static void simdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct simdev *dev = to_simdev(vdev);

	mutex_lock(&dev->lock);
	unpin_range(dev, iova, iova + length - 1);
	mutex_unlock(&dev->lock);
}

static int simdev_open(struct vfio_device *vdev)
{
	return 0;
}

static void simdev_close(struct vfio_device *vdev)
{
	struct simdev *dev = to_simdev(vdev);

	mutex_lock(&dev->lock);
	unpin_range(dev, 0, U64_MAX);
	reset_config(dev);
	reset_registers(dev);
	mutex_unlock(&dev->lock);
}

static int simdev_init(struct vfio_device *vdev)
{
	struct simdev *dev = to_simdev(vdev);
	struct mdev_type *type = to_mdev_device(vdev->dev)->type;
	int i;

	mutex_init(&dev->lock);
	INIT_LIST_HEAD(&dev->pins);
	dev->kind = &kinds[type - types];
	for (i = 0; i < BARS; i++) {
		dev->memory[i] = vmalloc_user(dev->kind->bars[i].size);
		if (!dev->memory[i])
			break;
	}
	if (i < BARS) {
		vfree(dev->memory[0]);
		return -ENOMEM;
	}
	reset_config(dev);
	reset_registers(dev);
	return 0;
}

static void simdev_release(struct vfio_device *vdev)
{
	struct simdev *dev = to_simdev(vdev);
	int i;

	for (i = 0; i < BARS; i++)
		vfree(dev->memory[i]);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

static const struct vfio_device_ops simdev_ops = {
	.name = "simdev",
	.init = simdev_init,
	.release = simdev_release,
	.open_device = simdev_open,
	.close_device = simdev_close,
	.read = simdev_read,
	.write = simdev_write,
	.ioctl = simdev_ioctl,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	.get_region_info_caps = simdev_region_info,
#endif
	.mmap = simdev_mmap,
	.dma_unmap = simdev_dma_unmap,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif
};

static int simdev_probe(struct mdev_device *mdev)
{
	struct simdev *dev = vfio_alloc_device(simdev, vdev, &mdev->dev, &simdev_ops);
	int error;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev_set_drvdata(&mdev->dev, dev);
	error = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (error)
		vfio_put_device(&dev->vdev);
	return error;
}

static void simdev_remove(struct mdev_device *mdev)
{
	struct simdev *dev = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(&dev->vdev);
	vfio_put_device(&dev->vdev);
}

static struct mdev_driver simdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = 16,
	.driver = {
		.name = "simdev",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
	},
	.probe = simdev_probe,
	.remove = simdev_remove,
};

static struct mdev_parent parent;
static struct device *parent_device;

static int __init simdev_start(void)
{
	int error = mdev_register_driver(&simdev_driver);

	if (error)
		return error;
	parent_device = root_device_register("simdev");
	if (IS_ERR(parent_device)) {
		error = PTR_ERR(parent_device);
		goto unregister_driver;
	}
	parent_device->driver = &simdev_driver.driver;	/* names the types: simdev-1 */
	error = mdev_register_parent(&parent, parent_device, &simdev_driver,
				     (struct mdev_type **)type_list, ARRAY_SIZE(type_list));
	if (!error)
		return 0;
	parent_device->driver = NULL;
	root_device_unregister(parent_device);
unregister_driver:
	mdev_unregister_driver(&simdev_driver);
	return error;
}

static void __exit simdev_stop(void)
{
	mdev_unregister_parent(&parent);
	parent_device->driver = NULL;
	root_device_unregister(parent_device);
	mdev_unregister_driver(&simdev_driver);
}

module_init(simdev_start);
module_exit(simdev_stop);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("mediated devices of vfiosim's topologies");
