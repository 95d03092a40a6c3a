/* SPDX-License-Identifier: MIT */
/* The list in which client ops describe an address space: see vfiosim/vfiosim.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#define FIRST_CAPACITY 4	/* most ranges lie in one or two VMAs */

int vfiosim_vmas_add(struct vfiosim_vmas *vmas, const struct vfiosim_vma *vma)
{
	if (vmas->n == vmas->capacity) {
		size_t capacity = vmas->capacity ? vmas->capacity * 2 : FIRST_CAPACITY;
		struct vfiosim_vma *items =
			reallocarray(vmas->lent ? NULL : vmas->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		if (vmas->lent)
			memcpy(items, vmas->items, vmas->n * sizeof(*items));
		vmas->lent = false;
		vmas->items = items;
		vmas->capacity = capacity;
	}
	vmas->items[vmas->n++] = *vma;
	return 0;
}

void vfiosim_vmas_done(struct vfiosim_vmas *vmas)
{
	if (!vmas->lent)
		free(vmas->items);
	*vmas = (struct vfiosim_vmas){ 0 };
}
