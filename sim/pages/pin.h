/* SPDX-License-Identifier: MIT */
/*
 * Pinning: what get_user_pages() would have answered. The client's VMAs say it; a file
 * says how long it is.
 *
 * type1 pins for a domain through the memory and against the limit of whoever makes
 * the call, page by page, and a page of a BAR (PFNMAP) will do. What an mdev pins is
 * the memory of whoever mapped. iommufd always takes that, and no PFNMAP; what others
 * have pinned already it does not look at again.
 */
#ifndef SIM_PAGES_PIN_H
#define SIM_PAGES_PIN_H

#include "pages/area.h"

/*
 * Would pinning the pages @part (numbers) of @area work, for a domain or, @single ones, for
 * an mdev (of type1: one)? Every pin is decided here. 0 and how many of them are to be charged,
 * because nobody has pinned them yet; CALL_AGAIN; EFAULT, EINVAL, ENODEV or ENOMEM with the reason
 * of the first page that fails, in ascending order. Changes nothing. Mirrors
 * vfio_pin_pages_remote, vfio_pin_page_external, pfn_reader (7.2).
 */
int pin_check(struct call *call, const struct area *area, struct span part, bool single,
	      uint64_t *ret_new);

/*
 * Did the memory behind a pinned @area change under the pin? @vmas: all of the memory
 * it was pinned through, now. A real pin keeps the old page when the client unmaps or
 * protects an address; here the page is gone, so the mapping is told stale.
 */
bool pin_stale(const struct area *area, const struct vfiosim_vmas *vmas);

#endif
