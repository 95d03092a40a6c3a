/* SPDX-License-Identifier: MIT */
/* What the commands of /dev/iommu share; each file of them has rows of its own. */
#ifndef SIM_ABI_IOMMUFD_CMDS_H
#define SIM_ABI_IOMMUFD_CMDS_H

#include <stddef.h>

#include "abi/dispatch.h"
#include "iommufd/iommufd.h"

static inline struct iommufd *iommufd_of(const struct call *call)
{
	return iommufd_from_file(call->file);
}

/*
 * What every kind of MAP, and COPY, checks before it looks for anything: EOPNOTSUPP
 * for flags and reserved fields nobody knows, EINVAL, EOVERFLOW.
 */
int iommufd_check_map(struct call *call, uint32_t flags, uint64_t reserved, uint64_t iova,
		      uint64_t length);

/* EOPNOTSUPP for flags outside @known, for a reserved field that is set, for an unknown choice. */
int iommufd_check_flags(struct call *call, uint32_t flags, uint32_t known);
int iommufd_check_reserved(struct call *call, uint64_t reserved);
int iommufd_refuse_option(struct call *call, const char *field, uint64_t value);
/* The client never learnt the id: the object goes again, unless it was guessed and used. */
void iommufd_undo_alloc(struct call *call, uint32_t id, enum object_type type);

/* iommufd_file_cmds.c */
struct map_file_state {
	struct backing *backing;	/* owned; NULL: there is no such descriptor */
};
void map_file_done(struct call *call);
int map_file_prepare(struct call *call);
int map_file_run(struct call *call);
int change_process_run(struct call *call);

/* ---- Rows ---- */

#define FIELD(type_, field_, format_) \
	{ #field_, offsetof(struct type_, field_), sizeof(((struct type_ *)0)->field_), format_ }
#define FIELDS(name_, ...) \
	static const struct vfiosim_field name_[] = { __VA_ARGS__, { .name = NULL } }

/* Not responded to: the structure may lie in memory that cannot be written. */
#define IOMMU_MUTE(name_, type_, min_, fields_, flags_, errors_, run_)                              \
	.row = { .name = #name_, .number = VFIOSIM_##name_, .kinds = VFIOSIM_IOMMUFD,               \
		 .family = VFIOSIM_SIZE_IOMMUFD, .min_size = (min_),                                 \
		 .full_size = sizeof(struct type_), .fields = fields_, .flags = flags_,             \
		 .errors = errors_ },                                                               \
	.run = run_
/* All of it is copied back: iommufd_ucmd_respond. */
#define IOMMU_COMMAND(name_, type_, min_, fields_, flags_, errors_, run_)                           \
	IOMMU_MUTE(name_, type_, min_, fields_, flags_, errors_, run_), .back = sizeof(struct type_)
#define WHOLE(name_, type_, fields_, flags_, errors_, run_) \
	IOMMU_COMMAND(name_, type_, sizeof(struct type_), fields_, flags_, errors_, run_)
#define WHOLE_MUTE(name_, type_, fields_, flags_, errors_, run_) \
	IOMMU_MUTE(name_, type_, sizeof(struct type_), fields_, flags_, errors_, run_)

#endif
