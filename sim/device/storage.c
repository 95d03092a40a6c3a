/* SPDX-License-Identifier: MIT */
/* Storage: anonymous memory that is not reserved, only used. */
#include "device/storage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void storage_init(struct storage *storage, uint64_t size)
{
	*storage = (struct storage){ .size = size };
}

void storage_done(struct storage *storage)
{
	if (storage->bytes)
		munmap(storage->bytes, storage->size);
	storage->bytes = NULL;
}

void storage_clear(struct storage *storage)
{
	storage_done(storage);
}

uint8_t *storage_bytes(struct storage *storage)
{
	void *bytes;

	if (storage->bytes || !storage->size)
		return storage->bytes;
	bytes = mmap(NULL, storage->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes != MAP_FAILED)
		storage->bytes = bytes;
	return storage->bytes;
}

void storage_read(const struct storage *storage, void *to, size_t length, uint64_t pos)
{
	if (storage->bytes)
		memcpy(to, storage->bytes + pos, length);
	else
		memset(to, 0, length);
}

int storage_write(struct storage *storage, const void *from, size_t length, uint64_t pos)
{
	uint8_t *bytes = storage_bytes(storage);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes + pos, from, length);
	return 0;
}
