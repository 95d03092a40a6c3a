/* SPDX-License-Identifier: MIT */
/*
 * Storage: the plain bytes of a region. Reads as zeros until written; takes
 * address space when first written and memory only for the pages touched, so a
 * BAR of gigabytes costs nothing until somebody uses it.
 *
 * Not locked; belongs to whoever holds the struct.
 */
#ifndef SIM_DEVICE_STORAGE_H
#define SIM_DEVICE_STORAGE_H

#include <stddef.h>
#include <stdint.h>

struct storage {
	uint64_t size;		/* bytes */
	uint8_t *bytes;		/* NULL: nothing written yet */
};

void storage_init(struct storage *storage, uint64_t size);
void storage_done(struct storage *storage);
/* Zeros again. */
void storage_clear(struct storage *storage);
/* @pos + @length must lie within the size. */
void storage_read(const struct storage *storage, void *to, size_t length, uint64_t pos);
/* -ENOMEM */
int storage_write(struct storage *storage, const void *from, size_t length, uint64_t pos);
/* The bytes themselves, or NULL when memory is short. */
uint8_t *storage_bytes(struct storage *storage);

#endif
