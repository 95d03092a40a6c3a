/* SPDX-License-Identifier: MIT */
/* Capability chains; see dispatch.h. Mirrors vfio_info_cap_add, vfio_info_cap_shift (7.2). */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/dispatch.h"

void *caps_add(struct caps *caps, uint16_t id, uint16_t version, size_t size)
{
	struct vfio_info_cap_header header = { .id = id, .version = version };
	size_t rounded = caps->packed ? size : (size + 7) & ~(size_t)7;
	uint8_t *grown = realloc(caps->data, caps->size + rounded);

	if (!grown)
		return NULL;
	caps->data = grown;
	if (caps->size) {
		struct vfio_info_cap_header previous;

		memcpy(&previous, grown + caps->last, sizeof(previous));
		previous.next = (uint32_t)caps->size;
		memcpy(grown + caps->last, &previous, sizeof(previous));
	}
	memset(grown + caps->size, 0, rounded);
	memcpy(grown + caps->size, &header, sizeof(header));
	caps->last = caps->size;
	caps->size += rounded;
	return grown + caps->last;
}

/* Offsets count from the info structure, not from the chain. */
static void shift_offsets(struct caps *caps, size_t by)
{
	struct vfio_info_cap_header header;
	size_t at = 0, next;

	do {
		memcpy(&header, caps->data + at, sizeof(header));
		next = header.next;
		if (next) {
			header.next += (uint32_t)by;
			memcpy(caps->data + at, &header, sizeof(header));
		}
		at = next;
	} while (next);
}

int caps_put(struct call *call, struct caps *caps, size_t info_size, uint32_t argsz,
	     uint32_t *ret_argsz, uint32_t *ret_offset)
{
	int ret = 0;

	*ret_argsz = argsz;
	*ret_offset = 0;
	if (caps->size && argsz < info_size + caps->size) {
		*ret_argsz = (uint32_t)(info_size + caps->size);
	} else if (caps->size) {
		shift_offsets(caps, info_size);
		ret = call_out(call, call->arg + info_size, caps->data, caps->size);
		*ret_offset = (uint32_t)info_size;
	}
	caps_done(caps);
	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

void caps_done(struct caps *caps)
{
	free(caps->data);
	memset(caps, 0, sizeof(*caps));
}
