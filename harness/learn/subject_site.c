/* SPDX-License-Identifier: MIT */
/* Sites: where a fault can happen. */
#include <string.h>

#include <vfiosim/fault.h>

#include "learn/subject.h"
#include "report/lines.h"

/* In the order of enum vfiosim_fault_site. */
static const char *const meanings[VFIOSIM_FAULT_SITES] = {
	[VFIOSIM_FAULT_COMMAND] = "any command as a whole, before it does anything; write its name: MAP_DMA",
	[VFIOSIM_FAULT_OPEN] = "a node is opened: a container, a group, /dev/iommu, a device",
	[VFIOSIM_FAULT_PIN] = "the pages of a mapping are pinned, so that a device may use them",
	[VFIOSIM_FAULT_CHARGE] = "pinned pages are counted against the limit of locked memory",
	[VFIOSIM_FAULT_DOMAIN_ALLOC] = "the IOMMU makes a page table",
	[VFIOSIM_FAULT_DOMAIN_ATTACH] = "a group is attached to a page table of its IOMMU",
	[VFIOSIM_FAULT_DOMAIN_MAP] = "a mapping goes into a page table",
	[VFIOSIM_FAULT_ALLOC] = "the kernel needs memory for an object of its own",
	[VFIOSIM_FAULT_FD_INSTALL] = "the program gets a new descriptor",
	[VFIOSIM_FAULT_DEVICE_OPEN] = "the device's driver prepares it for its first user",
	[VFIOSIM_FAULT_VECTORS] = "interrupts (MSI, MSI-X) are allocated",
	[VFIOSIM_FAULT_COPY_OUT] = "a command has done its work and copies its answer to the program's memory",
};

static const char *site_word(size_t index, const char **ret_about)
{
	const struct vfiosim_fault_site_info *site = vfiosim_fault_site(index);

	*ret_about = site && index < VFIOSIM_FAULT_SITES ? meanings[index] : NULL;
	return site ? site->name : NULL;
}

static void tell_class(FILE *to, const struct vfiosim_fault_class *class)
{
	fprintf(to, "%s, commands that --fault can name together:", class->name);
	for (size_t i = 0; class->commands[i]; i++)
		fprintf(to, "%s %s", i ? "," : "", class->commands[i]);
	fprintf(to, "\n  inject   vfiosim run --fault %s,when=1,error=ERRNO -- PROGRAM\n", class->name);
}

static bool tell_class_named(FILE *to, const char *word)
{
	const struct vfiosim_fault_class *class;

	for (size_t i = 0; (class = vfiosim_fault_class(i)); i++)
		if (!strcmp(class->name, word)) {
			tell_class(to, class);
			return true;
		}
	return false;
}

static bool tell(struct subject_context *context, const char *word)
{
	const struct vfiosim_fault_site_info *site;
	size_t index = 0;

	while ((site = vfiosim_fault_site(index)) && strcmp(site->name, word))
		index++;
	if (!site)
		return tell_class_named(context->to, word);
	fprintf(context->to, "%s, a site: where a fault can be injected. It is met when\n", site->name);
	lines_put(context->to, 4, "", meanings[index]);
	fprintf(context->to, "  Linux    %s\n", site->mirrors);
	if (!site->errors)
		return true;
	fputs("  errnos  ", context->to);
	for (size_t i = 0; site->errors[i]; i++)
		fprintf(context->to, "%s %s", i ? "," : "", strerrorname_np(site->errors[i]));
	fprintf(context->to, "\n  inject   vfiosim run --fault %s,when=1,error=%s -- PROGRAM\n", site->name,
		strerrorname_np(site->errors[0]));
	return true;
}

const struct subject_kind subject_sites = {
	.name = "sites", .about = "where a fault can happen", .tell = tell, .word = site_word,
};
