/* SPDX-License-Identifier: MIT */
/*
 * Faults and commands: what a rule may name about a command, and whether the kernel
 * could do what it wants.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/dispatch.h"
#include "abi/fault.h"
#include "iommu/group.h"
#include "iommufd/device.h"
#include "iommufd/iommufd.h"
#include "machine/device.h"
#include "machine/fault.h"
#include "machine/file.h"

/* ---- What a command is about ---- */

/* The field called @name; false: there is none, or the client did not give it. */
static bool field_value(const struct call *call, const char *name, uint64_t *ret_value)
{
	const struct vfiosim_field *field = call->command->row.fields;

	for (; field && field->name; field++) {
		if (strcmp(field->name, name))
			continue;
		*ret_value = 0;
		memcpy(ret_value, call->in.bytes + field->offset, field->size);
		return (size_t)field->offset + field->size <= call->in_size;
	}
	return false;
}

/* The first of @names that it has. */
static bool any_field(const struct call *call, const char *const *names, uint64_t *ret_value)
{
	for (; *names; names++)
		if (field_value(call, *names, ret_value))
			return true;
	return false;
}

static void fields_where(const struct call *call, struct fault_where *where)
{
	static const char *const iovas[] = { "iova", "dst_iova", NULL };
	static const char *const lengths[] = { "size", "length", NULL };
	static const char *const ioases[] = { "ioas_id", "dst_ioas_id", "pt_id", NULL };
	uint64_t iova, length, ioas;

	if (any_field(call, iovas, &iova) && any_field(call, lengths, &length) &&
	    span_make(iova, length, &where->iova))
		where->known |= VFIOSIM_FAULT_OF_IOVA;
	if (any_field(call, ioases, &ioas)) {
		where->known |= VFIOSIM_FAULT_OF_IOAS;
		where->ioas = (uint32_t)ioas;
	}
}

/* A command of an iommufd that names a device is about that, and its group. */
static void device_where(const struct call *call, struct fault_where *where)
{
	const struct iommufd *iommufd = iommufd_from_file(call->file);
	const struct iommufd_device *idev;
	uint64_t id;

	if (!iommufd || !field_value(call, "dev_id", &id))
		return;
	idev = (const struct iommufd_device *)object_find(iommufd, (uint32_t)id, OBJECT_DEVICE);
	if (!idev)
		return;
	where->device = idev->dev->topo->address;
	iommu_group_where(idev->dev->group, where);
}

void command_where(struct call *call, struct fault_where *ret_where)
{
	ret_where->row = &call->command->row;
	fields_where(call, ret_where);
	device_where(call, ret_where);
	if (call->file->ops->where)
		call->file->ops->where(call->file, ret_where);
	if (call->command->where)
		call->command->where(call, ret_where);
}

/* ---- Classes of commands ---- */

static const struct vfiosim_fault_class classes[] = {
	{ "map", (const char *const[]){ "VFIO_IOMMU_MAP_DMA", "IOMMU_IOAS_MAP",
					"IOMMU_IOAS_MAP_FILE", "IOMMU_IOAS_COPY", NULL } },
	{ "unmap", (const char *const[]){ "VFIO_IOMMU_UNMAP_DMA", "IOMMU_IOAS_UNMAP", NULL } },
	{ "attach", (const char *const[]){ "VFIO_GROUP_SET_CONTAINER", "VFIO_SET_IOMMU",
					   "VFIO_DEVICE_ATTACH_IOMMUFD_PT", NULL } },
	{ "irq", (const char *const[]){ "VFIO_DEVICE_SET_IRQS", NULL } },
	{ "reset", (const char *const[]){ "VFIO_DEVICE_RESET", "VFIO_DEVICE_PCI_HOT_RESET", NULL } },
};

const struct vfiosim_fault_class *vfiosim_fault_class(size_t index)
{
	return index < sizeof(classes) / sizeof(classes[0]) ? &classes[index] : NULL;
}

static bool is_in_class(const struct vfiosim_command *row, const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		for (const char *const *each = classes[i].commands; *each; each++)
			if (!strcmp(classes[i].name, name) && !strcmp(*each, row->name))
				return true;
	return false;
}

bool vfiosim_fault_from_outside(const struct vfiosim_command *row, int error)
{
	bool attaches = is_in_class(row, "attach");

	switch (error) {
	case E2BIG:
	case EBADF:
	case EBADFD:
	case EEXIST:
	case EMSGSIZE:
	case ENOENT:
	case ENOTTY:
	case EOVERFLOW:
		return false;
	case EFAULT:	/* memory that cannot be pinned; else the address of the structure */
		return attaches || is_in_class(row, "map");
	case EINVAL:	/* reserved regions, apertures; vectors that do not fit */
	case ENOSPC:
		return attaches || is_in_class(row, "map") || is_in_class(row, "irq");
	default:
		return true;
	}
}

/* ---- What is possible ---- */

/* Can a row with the number of @fault's command do it? */
static bool some_row_can(const struct vfiosim_fault *fault)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (fault_names(fault, row) && fault_row_can(row, fault))
			return true;
	return false;
}

/* ", EIO": of those before @end it is not one. */
static void put_error(FILE *problem, const int *errors, const int *error, const char **sep)
{
	for (const int *before = errors; before < error; before++)
		if (*before == *error)
			return;
	fprintf(problem, "%s%s", *sep, strerrorname_np(*error));
	*sep = ", ";
}

/* Says which errnos there are. */
static int refuse_error(const struct vfiosim_fault *fault, const char *who, const int *errors,
			FILE *problem)
{
	const char *name = strerrorname_np(fault->error);
	const char *sep = "; it can with ";

	fprintf(problem, "%s cannot fail with ", who);
	if (name)
		fputs(name, problem);
	else
		fprintf(problem, "errno %d", fault->error);
	for (const int *error = errors; error && *error; error++)
		put_error(problem, errors, error, &sep);
	return -EINVAL;
}

static int complain(FILE *problem, const char *who, const char *why)
{
	fprintf(problem, "%s: %s", who, why);
	return -EINVAL;
}

#define ERRORS_MAX 64

/* Of every row that @fault is about, ended by 0; some may be there twice. */
static void collect_errors(const struct vfiosim_fault *fault, int errors[ERRORS_MAX])
{
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		for (const int *error = row->errors; error && *error && fault_names(fault, row) &&
						    n < ERRORS_MAX - 1; error++)
			errors[n++] = *error;
	errors[n] = 0;
}

/* Says which outputs there are. */
static int refuse_output(const struct vfiosim_fault *fault, const char *who, FILE *problem)
{
	const struct vfiosim_command *row;
	const char *sep = "; it has ";

	fprintf(problem, "%s: no output '%s' can be set", who, fault->set_field);
	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		for (const char *const *set = row->sets; set && *set && fault_names(fault, row); set++) {
			fprintf(problem, "%s%s", sep, *set);
			sep = ", ";
		}
	return -EINVAL;
}

/* Says which values there are. */
static int refuse_value(const struct vfiosim_fault *fault, const char *who, FILE *problem)
{
	const char *sep = " cannot return that; it can return ";
	const struct vfiosim_command *row;
	bool has_vectors = false, has_value = false;

	fputs(who, problem);
	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		if (!fault_names(fault, row))
			continue;
		has_vectors |= is_in_class(row, "irq");
		for (const long *value = row->returns; value && *value >= 0; value++) {
			fprintf(problem, "%s%ld", sep, *value);
			sep = ", ";
			has_value = true;
		}
	}
	if (!has_value)
		fputs(": it returns nothing but what it does", problem);
	if (has_vectors)
		fputs("; 'vectors,return=N' gives it fewer vectors", problem);
	return -EINVAL;
}

static int judge_command(const struct vfiosim_fault *fault, FILE *problem)
{
	const char *name = fault->command ? fault->command->name : fault->command_class->name;
	int errors[ERRORS_MAX];

	if (fault->force || some_row_can(fault))
		return 0;
	if (*fault->set_field)
		return refuse_output(fault, name, problem);
	if (!fault->error)
		return refuse_value(fault, name, problem);
	collect_errors(fault, errors);
	return refuse_error(fault, name, errors, problem);
}

static int judge_step(const struct vfiosim_fault *fault, FILE *problem)
{
	const struct vfiosim_fault_site_info *site = vfiosim_fault_site(fault->site);

	if (fault->delay_ms || fault->signal || *fault->set_field)
		return complain(problem, site->name,
				"only whole commands are delayed, send a signal or set an output");
	if (fault->returns && fault->site != VFIOSIM_FAULT_VECTORS)
		return complain(problem, site->name, "there is no value it could give");
	if (fault->returns && fault->value < 1)
		return complain(problem, site->name, "with less than 1 vector it fails");
	if (fault->error && !fault->force && !fault_lists(site->errors, fault->error))
		return refuse_error(fault, site->name, site->errors, problem);
	return 0;
}

int fault_judge(const struct vfiosim_fault *fault, FILE *problem)
{
	const struct vfiosim_fault_when *when = &fault->when;
	const struct vfiosim_fault_site_info *site = vfiosim_fault_site(fault->site);
	const char *who = site ? site->name : "fault";

	if (!site)
		return complain(problem, who, "there is no such site");
	if (fault->site == VFIOSIM_FAULT_COMMAND && !fault->command && !fault->command_class)
		return complain(problem, site->name, "which one?");
	if (fault->site == VFIOSIM_FAULT_COMMAND)
		who = fault->command ? fault->command->name : fault->command_class->name;
	if (fault->error < 0 || fault->error > ERRNO_MAX)
		return complain(problem, who, "errnos are from 1 to 4095");
	if (!!fault->error + fault->returns + !!*fault->set_field > 1)
		return complain(problem, who, "it either fails, or gives a value, or sets an output");
	if (when->last && when->last < (when->first ? when->first : 1))
		return complain(problem, who, "the last time comes before the first");
	if (fault->of & VFIOSIM_FAULT_OF_IOVA && fault->iova_first > fault->iova_last)
		return complain(problem, who, "the last iova comes before the first");
	if (fault->page && fault->site != VFIOSIM_FAULT_PIN)
		return complain(problem, who, "only pins have a page");
	return fault->site == VFIOSIM_FAULT_COMMAND ? judge_command(fault, problem) :
						      judge_step(fault, problem);
}

int vfiosim_fault_add(struct vfiosim *sim, const struct vfiosim_fault *fault, uint32_t *ret_id,
		      char *problem, size_t size)
{
	FILE *to = fmemopen(problem, size, "w");
	int ret;

	if (!to)
		return -ENOMEM;
	ret = fault_judge(fault, to);
	fclose(to);
	return ret ? ret : fault_add(sim, fault, ret_id);
}
