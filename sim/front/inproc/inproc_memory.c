/* SPDX-License-Identifier: MIT */
#include "front/inproc/inproc_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>

#define MAP_FIRST UINT64_C(0x100000000000)
#define MAP_LAST UINT64_C(0x7effffffffff)
#define MAP_ALIGN UINT64_C(0x10000)	/* round numbers read well in traces */

struct area {
	struct span span;
	unsigned prot;
	enum vfiosim_vma_kind kind;
	struct open_file *file;		/* VFIOSIM_VMA_REGION, else NULL */
	uint64_t offset;		/* of span.first in it */
	struct area *next;		/* in a list of areas to be freed */
};

static uint64_t page_of(uint64_t uva)
{
	return uva & ~(uint64_t)(VFIOSIM_PAGE_SIZE - 1);
}

/* ---- Areas ---- */

static int area_add(struct memory *memory, const struct area *model)
{
	struct area *area = malloc(sizeof(*area));
	int rc = -ENOMEM;

	if (!area)
		return -ENOMEM;
	*area = *model;
	rc = span_set_insert(&memory->areas, area->span, area);
	if (rc) {
		free(area);
		return rc;
	}
	if (area->file)
		open_file_get(area->file);
	return 0;
}

static void areas_free(struct memory *memory, struct area *areas)
{
	while (areas) {
		struct area *area = areas;

		areas = area->next;
		open_file_put(area->file, memory->client);
		free(area);
	}
}

/* Let no area cross from below @address to it. -ENOMEM: nothing has changed. */
static int area_split(struct memory *memory, uint64_t address)
{
	struct span_cursor cursor;
	struct area *area, tail;
	int rc;

	if (!span_set_seek(&memory->areas, address, &cursor) || cursor.span.first >= address)
		return 0;
	area = cursor.item;
	tail = *area;
	tail.span.first = address;
	tail.offset += address - area->span.first;

	/* The place of one just erased needs no memory: only the tail can fail. */
	span_set_erase(&memory->areas, area->span.first);
	area->span.last = address - 1;
	span_set_insert(&memory->areas, area->span, area);
	rc = area_add(memory, &tail);
	if (rc) {
		span_set_erase(&memory->areas, area->span.first);
		area->span.last = tail.span.last;
		span_set_insert(&memory->areas, area->span, area);
	}
	return rc;
}

static void pages_drop(struct memory *memory, struct span span)
{
	struct span_cursor cursor;

	while (span_set_seek(&memory->pages, span.first, &cursor) && cursor.span.first <= span.last)
		free(span_set_erase(&memory->pages, cursor.span.first));
}

/* Takes out all areas inside @span, with their pages; splits have been made. */
static struct area *areas_take(struct memory *memory, struct span span)
{
	struct area *taken = NULL, *area;

	while ((area = span_set_find(&memory->areas, span))) {
		span_set_erase(&memory->areas, area->span.first);
		area->next = taken;
		taken = area;
	}
	pages_drop(memory, span);
	return taken;
}

/* ---- Life ---- */

static const struct area stack_area = {
	.span = { STACK_FIRST, STACK_END - 1 },
	.prot = VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE,
	.kind = VFIOSIM_VMA_MEMORY,
};

int memory_create(struct memory **ret_memory)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	int rc;

	if (!memory)
		return -ENOMEM;
	pthread_mutex_init(&memory->lock, NULL);
	span_set_init(&memory->areas);
	span_set_init(&memory->pages);
	memory->next = MAP_FIRST;
	rc = area_add(memory, &stack_area);
	if (rc)
		memory_free(memory);
	else
		*ret_memory = memory;
	return rc;
}

void memory_set_memlock(struct memory *memory, uint64_t memlock)
{
	pthread_mutex_lock(&memory->lock);
	memory->memlock = memlock;
	pthread_mutex_unlock(&memory->lock);
}

int memory_memlock(void *client_ctx, uint64_t *ret_memlock)
{
	struct memory *memory = client_ctx;
	bool gone;

	pthread_mutex_lock(&memory->lock);
	*ret_memlock = memory->memlock;
	gone = memory->gone;
	pthread_mutex_unlock(&memory->lock);
	return gone ? -ESRCH : 0;
}

void memory_drop(struct memory *memory)
{
	struct area *areas;

	pthread_mutex_lock(&memory->lock);
	memory->gone = true;
	areas = areas_take(memory, SPAN_ALL);
	pthread_mutex_unlock(&memory->lock);
	areas_free(memory, areas);
}

void memory_free(struct memory *memory)
{
	if (!memory)
		return;
	memory_drop(memory);
	span_set_done(&memory->areas);
	span_set_done(&memory->pages);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static int page_add(struct memory *memory, uint64_t uva, const uint8_t *contents,
		    uint8_t **ret_page)
{
	struct span span = { page_of(uva), page_of(uva) + VFIOSIM_PAGE_SIZE - 1 };
	uint8_t *page = contents ? malloc(VFIOSIM_PAGE_SIZE) : calloc(1, VFIOSIM_PAGE_SIZE);

	if (!page || span_set_insert(&memory->pages, span, page)) {
		free(page);
		return -ENOMEM;
	}
	if (contents)
		memcpy(page, contents, VFIOSIM_PAGE_SIZE);
	*ret_page = page;
	return 0;
}

static int copy_areas(struct memory *from, struct memory *to)
{
	struct span_cursor cursor;
	int rc = 0;

	span_set_for_each(&from->areas, &cursor, 0, UINT64_MAX) {
		if (cursor.span.first != STACK_FIRST)
			rc = area_add(to, cursor.item);
		if (rc)
			break;
	}
	return rc;
}

static int copy_pages(struct memory *from, struct memory *to)
{
	struct span_cursor cursor;
	uint8_t *page;
	int rc = 0;

	span_set_for_each(&from->pages, &cursor, 0, UINT64_MAX) {
		rc = page_add(to, cursor.span.first, cursor.item, &page);
		if (rc)
			break;
	}
	return rc;
}

int memory_copy(struct memory *from, struct memory **ret_memory)
{
	struct memory *to;
	int rc;

	rc = memory_create(&to);
	if (rc)
		return rc;
	pthread_mutex_lock(&from->lock);
	to->next = from->next;
	memcpy(to->stack, from->stack, STACK_SIZE);
	rc = copy_areas(from, to);
	if (!rc)
		rc = copy_pages(from, to);
	pthread_mutex_unlock(&from->lock);
	if (rc)
		memory_free(to);
	else
		*ret_memory = to;
	return rc;
}

/* ---- Mapping ---- */

/* @uva, @length: whole pages, and not the stack's. */
static int make_span(uint64_t uva, uint64_t length, struct span *ret_span)
{
	if ((uva | length) % VFIOSIM_PAGE_SIZE || !span_make(uva, length, ret_span) ||
	    span_overlaps(*ret_span, stack_area.span))
		return -EINVAL;
	return 0;
}

static int prot_check(unsigned prot)
{
	return prot & ~(VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE) ? -EINVAL : 0;
}

int memory_map(struct memory *memory, uint64_t length, unsigned prot, enum vfiosim_vma_kind kind,
	       struct open_file *file, uint64_t offset, uint64_t *ret_uva)
{
	struct area area = { .prot = prot, .kind = kind, .file = file, .offset = offset };
	int rc = -ENOMEM;

	if (!length || length % VFIOSIM_PAGE_SIZE || prot_check(prot))
		return -EINVAL;
	pthread_mutex_lock(&memory->lock);
	if (span_make(memory->next, length, &area.span) && area.span.last <= MAP_LAST)
		rc = area_add(memory, &area);
	if (!rc) {
		/* A page at least between two, so that running over the end faults. */
		memory->next = (area.span.last + VFIOSIM_PAGE_SIZE + MAP_ALIGN) & ~(MAP_ALIGN - 1);
		*ret_uva = area.span.first;
	}
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

/* Is every address of @span mapped? */
static bool covered(const struct memory *memory, struct span span)
{
	struct span_cursor cursor;
	uint64_t want = span.first;

	span_set_for_each(&memory->areas, &cursor, span.first, span.last) {
		if (cursor.span.first > want)
			return false;
		want = cursor.span.last + 1;
	}
	return want > span.last;
}

static int protect_locked(struct memory *memory, struct span span, unsigned prot)
{
	struct span_cursor cursor;
	int rc;

	if (!covered(memory, span))
		return -ENOMEM;
	rc = area_split(memory, span.first);
	if (!rc)
		rc = area_split(memory, span.last + 1);
	if (rc)
		return rc;
	span_set_for_each(&memory->areas, &cursor, span.first, span.last)
		((struct area *)cursor.item)->prot = prot;
	return 0;
}

int memory_protect(struct memory *memory, uint64_t uva, uint64_t length, unsigned prot)
{
	struct span span;
	int rc;

	if (make_span(uva, length, &span) || prot_check(prot))
		return -EINVAL;
	pthread_mutex_lock(&memory->lock);
	rc = protect_locked(memory, span, prot);
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

int memory_unmap(struct memory *memory, uint64_t uva, uint64_t length)
{
	struct area *areas = NULL;
	struct span span;
	int rc;

	rc = make_span(uva, length, &span);
	if (rc)
		return rc;
	pthread_mutex_lock(&memory->lock);
	rc = area_split(memory, span.first);
	if (!rc && span.last != UINT64_MAX)
		rc = area_split(memory, span.last + 1);
	if (!rc)
		areas = areas_take(memory, span);
	pthread_mutex_unlock(&memory->lock);
	areas_free(memory, areas);
	return rc;
}

int memory_vmas(void *ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas)
{
	struct memory *memory = ctx;
	struct span_cursor cursor;
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	if (memory->gone)
		rc = -ESRCH;
	span_set_for_each(&memory->areas, &cursor, first, last) {
		const struct area *area = cursor.item;
		struct vfiosim_vma vma = {
			.first = area->span.first,
			.last = area->span.last,
			.readable = area->prot & VFIOSIM_PROT_READ,
			.writable = area->prot & VFIOSIM_PROT_WRITE,
			.kind = area->kind,
			.offset = area->offset,
		};

		if (area->file)
			vma.device = vfiosim_file_device(area->file->file);
		rc = vfiosim_vmas_add(ret_vmas, &vma);
		if (rc)
			break;
	}
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

/* ---- Loads and stores ---- */

/* One load (to is set) or one store (from is set), under way. */
struct access {
	struct vfiosim_caller *caller;	/* NULL: nobody in particular */
	uint64_t uva;
	uint8_t *to;
	const uint8_t *from;
	size_t length;			/* that are left */
};

static void access_advance(struct access *access, size_t n)
{
	access->uva += n;
	access->length -= n;
	if (access->to)
		access->to += n;
	else
		access->from += n;
}

static uint8_t *page_find(struct memory *memory, uint64_t uva)
{
	if (span_contains(stack_area.span, (struct span){ uva, uva }))
		return memory->stack + (page_of(uva) - STACK_FIRST);
	return span_set_find(&memory->pages, (struct span){ uva, uva });
}

/* @n bytes inside one page. */
static int access_page(struct memory *memory, struct access *access, size_t n)
{
	size_t at = access->uva % VFIOSIM_PAGE_SIZE;
	uint8_t *page = page_find(memory, access->uva);

	if (access->to) {
		if (page)
			memcpy(access->to, page + at, n);
		else
			memset(access->to, 0, n);
		return 0;
	}
	if (!page && page_add(memory, access->uva, NULL, &page))
		return -EFAULT;
	memcpy(page + at, access->from, n);
	return 0;
}

/* @n bytes of a device's region. Called with the lock held, which it drops meanwhile. */
static int access_region(struct memory *memory, struct access *access, const struct area *area,
			 size_t n)
{
	uint64_t offset = area->offset + (access->uva - area->span.first);
	struct open_file *file = open_file_get(area->file);
	struct vfiosim_caller caller = { .client = memory->client };
	ssize_t done;

	if (access->caller) {
		caller = *access->caller;
		caller.deferred = NULL;
	}
	pthread_mutex_unlock(&memory->lock);
	if (access->to)
		done = vfiosim_read(file->file, &caller, access->to, n, offset);
	else
		done = vfiosim_write(file->file, &caller, access->from, n, offset);
	vfiosim_finish(file->sim, &caller);
	open_file_put(file, caller.client);
	pthread_mutex_lock(&memory->lock);
	return done == (ssize_t)n ? 0 : -EFAULT;
}

/* The stretch that lies in one area and, unless it is a region, in one page. */
static int access_step(struct memory *memory, struct access *access)
{
	const struct area *area =
		span_set_find(&memory->areas, (struct span){ access->uva, access->uva });
	unsigned need = access->to ? VFIOSIM_PROT_READ : VFIOSIM_PROT_WRITE;
	uint64_t n = access->length;
	int rc;

	if (!area || !(area->prot & need) || area->kind == VFIOSIM_VMA_NEVER)
		return -EFAULT;
	if (n > area->span.last - access->uva + 1)
		n = area->span.last - access->uva + 1;
	if (area->file) {
		rc = access_region(memory, access, area, n);
	} else {
		if (n > VFIOSIM_PAGE_SIZE - access->uva % VFIOSIM_PAGE_SIZE)
			n = VFIOSIM_PAGE_SIZE - access->uva % VFIOSIM_PAGE_SIZE;
		rc = access_page(memory, access, n);
	}
	if (!rc)
		access_advance(access, n);
	return rc;
}

static int access_run(struct memory *memory, struct access access)
{
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	while (access.length && !rc)
		rc = access_step(memory, &access);
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

int memory_load(struct memory *memory, struct vfiosim_caller *caller, uint64_t uva, void *to,
		size_t length)
{
	return access_run(memory, (struct access){ caller, uva, .to = to, .length = length });
}

int memory_store(struct memory *memory, struct vfiosim_caller *caller, uint64_t uva,
		 const void *from, size_t length)
{
	return access_run(memory, (struct access){ caller, uva, .from = from, .length = length });
}

/* ---- The window ---- */

uint64_t memory_window_open(struct memory *memory, void *data, size_t size)
{
	memory->window.data = data;
	memory->window.first = STACK_END - size;
	atomic_store_explicit(&memory->window.thread, pthread_self(), memory_order_relaxed);
	return memory->window.first;
}

void memory_window_close(struct memory *memory)
{
	atomic_store_explicit(&memory->window.thread, 0, memory_order_relaxed);
}

/* Where all of @length bytes at @uva are in this thread's window; NULL: not there. */
static uint8_t *window_find(const struct memory *memory, uint64_t uva, size_t length)
{
	if (atomic_load_explicit(&memory->window.thread, memory_order_relaxed) != pthread_self() ||
	    uva < memory->window.first || uva >= STACK_END || length > STACK_END - uva)
		return NULL;
	return memory->window.data + (uva - memory->window.first);
}

int memory_read(void *ctx, uint64_t uva, void *to, size_t length)
{
	const uint8_t *bytes = window_find(ctx, uva, length);

	if (bytes) {
		memcpy(to, bytes, length);
		return 0;
	}
	return memory_load(ctx, NULL, uva, to, length);
}

int memory_write(void *ctx, uint64_t uva, const void *from, size_t length)
{
	uint8_t *bytes = window_find(ctx, uva, length);

	if (bytes) {
		memcpy(bytes, from, length);
		return 0;
	}
	return memory_store(ctx, NULL, uva, from, length);
}
