/* SPDX-License-Identifier: MIT */
/*
 * Map, copy and unmap in an IOAS. Mirrors iopt_map_pages, iopt_unmap_iova_range and
 * iopt_alloc_iova (7.2): the order of the checks is the kernel's.
 */
#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "iommu/domain.h"
#include "iommufd/hwpt.h"
#include "iommufd/access.h"
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "machine/lock.h"

#define HUGE_PAGE (2ull << 20)	/* alignment that allocated iovas share with their memory */

/* ---- Where ---- */

static int refuse_unaligned(struct call *call, const struct ioas *ioas, const char *what,
			    uint64_t value)
{
	return refuse(call, RULE_UNALIGNED, VS("what", what), V("value", value),
		      V("alignment", ioas->alignment));
}

static const struct ioas_resv *reserved_at(const struct ioas *ioas, struct span span)
{
	const struct ioas_resv *resv;

	TAILQ_FOREACH(resv, &ioas->reserved, in_ioas)
		if (span_overlaps(resv->span, span))
			return resv;
	return NULL;
}

static int check_iova(struct call *call, const struct ioas *ioas, uint64_t iova, uint64_t length,
		      struct span *ret_span)
{
	const struct ioas_resv *resv;
	const struct area *other;

	if (iova & (ioas->alignment - 1))
		return refuse_unaligned(call, ioas, "iova", iova);
	if (length & (ioas->alignment - 1))
		return refuse_unaligned(call, ioas, "length", length);
	if (!span_make(iova, length, ret_span))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", iova),
			      V("length", length));
	resv = reserved_at(ioas, *ret_span);
	if (resv)
		return refuse(call, RULE_IOAS_RESERVED, V("first", ret_span->first),
			      V("last", ret_span->last), V("resv.first", resv->span.first),
			      V("resv.last", resv->span.last), VS("why", resv->why));
	other = iopt_find(&ioas->iopt, *ret_span);
	if (other)
		return refuse(call, RULE_AREA_OVERLAP, V("first", ret_span->first),
			      V("last", ret_span->last), V("other.first", other->iova.first),
			      V("other.last", other->iova.last));
	return 0;
}

static uint64_t power_of_two_above(uint64_t value)
{
	return value <= 1 ? 1 : 1ull << (64 - __builtin_clzll(value - 1));
}

/* What is in the way of @span: the last address of it. false: nothing is. */
static bool blocked(const struct ioas *ioas, struct span span, uint64_t *ret_last)
{
	const struct ioas_resv *resv = reserved_at(ioas, span);
	const struct area *area;

	if (resv) {
		*ret_last = resv->span.last;
		return true;
	}
	area = iopt_find(&ioas->iopt, span);
	if (area)
		*ret_last = area->iova.last;
	return area;
}

/* The lowest place in @window, with the alignment asked for and @offset in its page. */
static bool find_hole(const struct ioas *ioas, struct span window, uint64_t length,
		      uint64_t alignment, uint64_t offset, struct span *ret_span)
{
	uint64_t start = window.first, last;

	for (;;) {
		if (__builtin_add_overflow(start, alignment - 1, &start))
			return false;
		start = (start & ~(alignment - 1)) | offset;
		if (!span_make(start, length, ret_span) || ret_span->last > window.last)
			return false;
		if (!blocked(ioas, *ret_span, &last))
			return true;
		if (last == UINT64_MAX)
			return false;
		start = last + 1;
	}
}

static int alloc_iova(struct call *call, const struct ioas *ioas, uint64_t uva, uint64_t length,
		      struct span *ret_span)
{
	uint64_t offset = uva % VFIOSIM_PAGE_SIZE, alignment;
	struct span window = { offset ? 0 : VFIOSIM_PAGE_SIZE, UINT64_MAX - VFIOSIM_PAGE_SIZE };

	if (length >= UINT64_MAX / 2)
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", 0),
			      V("length", length));
	alignment = power_of_two_above(length);
	if (uva && (uva & -uva) < alignment)
		alignment = uva & -uva;
	if (alignment > HUGE_PAGE)
		alignment = HUGE_PAGE;
	if (alignment < ioas->alignment)
		return refuse_unaligned(call, ioas, "vaddr", uva);
	if (length & (ioas->alignment - 1))
		return refuse_unaligned(call, ioas, "length", length);
	if (alignment > offset)
		offset &= alignment - 1;
	if (!ioas->allowed.n && find_hole(ioas, window, length, alignment, offset, ret_span))
		return 0;
	for (size_t i = 0; i < ioas->allowed.n; i++)
		if (find_hole(ioas, ioas->allowed.items[i], length, alignment, offset, ret_span))
			return 0;
	return refuse(call, RULE_NO_IOVA_FREE, V("length", length));
}

/* ---- Map ---- */

static enum pages_account account_of(const struct ioas *ioas, const struct vfiosim_limits *limits)
{
	if (limits->ipc_lock)
		return ACCOUNT_NONE;
	return ioas->object.iommufd->account_mm ? ACCOUNT_MM : ACCOUNT_USER;
}

static uint32_t access_flags(bool read, bool write)
{
	return (read ? AREA_READ : 0) | (write ? AREA_WRITE : 0);
}

/* With a hwpt the pages are pinned now. Takes over @area, destroys it where it fails. */
static int add_area(struct call *call, struct ioas *ioas, struct area *area)
{
	int ret = 0;

	if (!area)
		return refuse(call, RULE_NO_MEMORY);
	if (!TAILQ_EMPTY(&ioas->hwpts))
		ret = ioas_fill_area(call, ioas, area, NULL);
	if (!ret && iopt_insert(&ioas->iopt, area))
		ret = refuse(call, RULE_NO_MEMORY);
	if (ret)
		area_destroy(area);
	return ret;
}

/* The other way round: as if they had never been there. */
static void drop_areas(struct ioas *ioas, struct span span)
{
	struct area *area;

	while ((area = iopt_find(&ioas->iopt, span))) {
		iopt_remove(&ioas->iopt, area);
		area_destroy(area);
	}
}

static void tell_added(struct call *call, const struct ioas *ioas, struct span span)
{
	struct span_cursor cursor;
	const struct area *area;

	iopt_for_each(&ioas->iopt, &cursor, area, span.first, span.last)
		changed(call, "mapping {first}..{last} added to ioas {id:d}, {how}",
			V("first", area->iova.first), V("last", area->iova.last),
			V("id", ioas->object.id),
			VS("how", area->flags & AREA_FILLED ?
					  "and pinned" :
					  "accepted unchecked: no domain is attached yet"));
}

/* Where the mapping goes. */
static int find_place(struct call *call, const struct ioas *ioas, const struct ioas_map_args *args,
		      struct span *ret_iova)
{
	uint64_t end;
	int ret;

	if (!args->length)
		return refuse(call, RULE_LENGTH_ZERO);
	/* A file may end where addresses end, memory may not. */
	if (__builtin_add_overflow(args->uva, args->length - (args->backing ? 1 : 0), &end))
		return refuse(call, RULE_IOVA_OVERFLOW,
			      VS("what", args->backing ? "start" : "vaddr"), V("start", args->uva),
			      V("length", args->length));
	if (args->fixed)
		ret = check_iova(call, ioas, args->iova, args->length, ret_iova);
	else
		ret = alloc_iova(call, ioas, args->uva, args->length, ret_iova);
	if (!ret && args->uva % VFIOSIM_PAGE_SIZE & (ioas->alignment - 1))
		ret = refuse_unaligned(call, ioas, "vaddr", args->uva);
	return ret;
}

int ioas_map(struct call *call, struct ioas *ioas, struct ioas_map_args *args)
{
	struct vfiosim_limits limits;
	struct span iova = { 0 };
	struct area *area;
	int ret = find_place(call, ioas, args, &iova);

	if (!ret)
		ret = call_limits(call, &limits);
	if (ret)
		return ret;
	area = fault_alloc(call) ? NULL :
				   area_create(call->caller->client, args->backing, args->uva, iova,
					       access_flags(args->read, args->write));
	if (area) {
		area->pages->account = account_of(ioas, &limits);
		area->pages->writable = args->write;
	}
	ret = add_area(call, ioas, area);
	if (ret)
		return ret;
	tell_added(call, ioas, iova);
	args->iova = iova.first;
	return 0;
}

/* ---- Copy ---- */

/* Everything from @span in @from, without a gap. */
static int check_source(struct call *call, const struct ioas *from, struct span span)
{
	for (uint64_t at = span.first;;) {
		const struct area *area = iopt_at(&from->iopt, at);

		if (!area)
			return refuse(call, RULE_AREA_MISSING, V("first", span.first),
				      V("last", span.last));
		if (area->iova.last >= span.last)
			return 0;
		at = area->iova.last + 1;
	}
}

/* What to copy of each area of the source. */
struct piece {
	struct area *area;
	struct span part;		/* of its iovas */
};

static struct piece piece_at(const struct ioas *from, struct span span, uint64_t at)
{
	struct area *area = iopt_at(&from->iopt, at);

	return (struct piece){ area, span_clip((struct span){ at, span.last }, area->iova) };
}

/* The one behind @piece; without an area: that was the last. */
static struct piece piece_next(const struct ioas *from, struct span span, struct piece piece)
{
	if (piece.part.last == span.last)
		return (struct piece){ 0 };
	return piece_at(from, span, piece.part.last + 1);
}

#define for_each_piece(piece_, from_, span_)                                                       \
	for ((piece_) = piece_at((from_), (span_), (span_).first); (piece_).area;                  \
	     (piece_) = piece_next((from_), (span_), (piece_)))

/* Mirrors iopt_insert_area. */
static int check_pieces(struct call *call, const struct ioas *ioas, const struct ioas *from,
			struct span source, uint32_t access)
{
	struct piece piece;

	for_each_piece(piece, from, source)
	{
		uint64_t uva = area_uva(piece.area, piece.part.first);

		if (access & AREA_WRITE && !piece.area->pages->writable)
			return refuse(call, RULE_COPY_READONLY);
		if (uva % VFIOSIM_PAGE_SIZE & (ioas->alignment - 1))
			return refuse_unaligned(call, ioas, "vaddr", uva);
	}
	return 0;
}

static int add_pieces(struct call *call, struct ioas *ioas, const struct ioas *from,
		      struct span source, uint64_t to, uint32_t access)
{
	struct piece piece;

	for_each_piece(piece, from, source)
	{
		uint64_t iova = to + (piece.part.first - source.first);
		int ret = add_area(call, ioas,
				   fault_alloc(call) ? NULL :
				   area_create_part(piece.area, piece.part, iova, access));

		if (!ret)
			continue;
		if (iova > to)
			drop_areas(ioas, (struct span){ to, iova - 1 });
		return ret;
	}
	return 0;
}

int ioas_copy(struct call *call, struct ioas *ioas, struct ioas *from, struct ioas_copy_args *args)
{
	uint32_t access = access_flags(args->read, args->write);
	struct span source, target;
	int ret;

	if (!args->length)
		return refuse(call, RULE_LENGTH_ZERO);
	if (!span_make(args->source, args->length, &source))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "source iova"),
			      V("start", args->source), V("length", args->length));
	ret = check_source(call, from, source);
	if (ret)
		return ret;
	if (args->fixed)
		ret = check_iova(call, ioas, args->iova, args->length, &target);
	else
		ret = alloc_iova(call, ioas,
				 area_uva(iopt_at(&from->iopt, source.first), source.first),
				 args->length, &target);
	if (!ret)
		ret = check_pieces(call, ioas, from, source, access);
	if (!ret)
		ret = add_pieces(call, ioas, from, source, target.first, access);
	if (ret)
		return ret;
	tell_added(call, ioas, target);
	args->iova = target.first;
	return 0;
}

/* ---- Unmap ---- */

static void remove_area(struct call *call, struct ioas *ioas, struct area *area)
{
	if (area->n_accesses)
		iommufd_access_notify_unmap(call, ioas, area->iova);
	changed(call, "mapping {first}..{last} removed from ioas {id:d}",
		V("first", area->iova.first), V("last", area->iova.last), V("id", ioas->object.id));
	iopt_remove(&ioas->iopt, area);
	area_destroy(area);
}

/* @ioas is in use meanwhile: IOMMU_DESTROY gives EBUSY, as it does during iommufd_get_ioas(). */
static void yield(struct call *call, struct ioas *ioas)
{
	if (fault_armed(call->sim))	/* whose rules count runs */
		return;
	ioas->object.commands++;
	lock_yield(call->sim);
	ioas->object.commands--;
}

int ioas_unmap(struct call *call, struct ioas *ioas, struct span span, uint64_t *ret_length)
{
	struct span rest = span;
	struct area *area;
	unsigned n = 0;		/* a sum of all 2^64 bytes would be 0 */

	*ret_length = 0;
	while ((area = iopt_find(&ioas->iopt, rest))) {
		if (!span_contains(rest, area->iova))
			return refuse(call, RULE_AREA_BISECTED, V("first", span.first),
				      V("last", span.last), V("other.first", area->iova.first),
				      V("other.last", area->iova.last));
		*ret_length += span_length(area->iova);
		rest.first = area->iova.last;
		remove_area(call, ioas, area);
		n++;
		if (rest.first++ >= span.last)
			break;
		if (n % IOPT_PIECE == 0)
			yield(call, ioas);
	}
	if (!n)
		return refuse(call, RULE_AREA_MISSING, V("first", span.first), V("last", span.last));
	return 0;
}

/* Mirrors iopt_cut_iova, iopt_area_split. */
int ioas_cut(struct call *call, struct ioas *ioas, uint64_t iova)
{
	struct area *area = iopt_at(&ioas->iopt, iova);

	if (!area || area->iova.first == iova)
		return 0;
	if ((iova | area_uva(area, iova)) & (ioas->alignment - 1))
		return refuse_unaligned(call, ioas, "iova", iova);
	if (area->n_accesses)
		return refuse(call, RULE_CUT_PINNED, V("first", area->iova.first),
			      V("last", area->iova.last));
	if (iopt_split(&ioas->iopt, area, iova))
		return refuse(call, RULE_NO_MEMORY);
	return 0;
}
