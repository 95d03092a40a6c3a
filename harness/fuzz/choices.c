/* SPDX-License-Identifier: MIT */
#include "fuzz/choices.h"

#define PAGE 4096u

/* splitmix64 */
static uint64_t next(struct choices *choices)
{
	uint64_t z = choices->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void choices_seed(struct choices *choices, uint64_t seed)
{
	*choices = (struct choices){ .state = seed };
}

void choices_init(struct choices *choices, const uint8_t *bytes, size_t n)
{
	*choices = (struct choices){ .bytes = bytes, .n = n, .state = n };
	for (size_t i = 0; i < n; i++)
		choices->state = (choices->state ^ bytes[i]) * 0x100000001b3;
}

static uint64_t take(struct choices *choices, unsigned size)
{
	uint64_t value = 0;

	if (choices->n < size)
		return next(choices);
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | *choices->bytes++;
	choices->n -= size;
	return value;
}

uint64_t choose(struct choices *choices, uint64_t n)
{
	if (n < 2)
		return 0;
	return take(choices, n <= 256 ? 1 : 8) % n;
}

uint64_t choose_between(struct choices *choices, uint64_t first, uint64_t last)
{
	return first + choose(choices, last - first + 1);
}

bool one_in(struct choices *choices, unsigned n)
{
	return !choose(choices, n);
}

uint64_t choose_odd(struct choices *choices)
{
	uint64_t power = UINT64_C(1) << choose(choices, 64);

	switch (choose(choices, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - choose(choices, 3);
	case 2:
		return power;
	case 3:
		return power - 1;
	case 4:
		return power + choose(choices, 3) * PAGE;
	case 5:
		return choose(choices, 16) * PAGE;
	case 6:
		return choose(choices, 256);
	default:
		return take(choices, 8);
	}
}

void choose_bytes(struct choices *choices, void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)choose(choices, 256);
}
