/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LONGEST 32u	/* longer words are near nothing */
#define FAR 9u
#define BEGINNING 3u	/* letters that tell which words begin with them ... */
#define LONGER_MAX 3u	/* ... unless there are more of these */

static bool same(char one, char other)
{
	return tolower((unsigned char)one) == tolower((unsigned char)other);
}

static unsigned least(unsigned one, unsigned other)
{
	return one < other ? one : other;
}

unsigned word_distance(const char *one, const char *other)
{
	size_t n = strlen(one), m = strlen(other);
	unsigned d[LONGEST + 1][LONGEST + 1];	/* between the first i and the first j letters */

	if (n > LONGEST || m > LONGEST)
		return FAR;
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + !same(one[i - 1], other[j - 1]);

			best = least(best, least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && same(one[i - 1], other[j - 2]) &&
			    same(one[i - 2], other[j - 1]))
				best = least(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return least(d[n][m], FAR);
}

const char *nearest_word(const char *word, const char *const *known, size_t n)
{
	size_t length = strlen(word);
	unsigned best = length <= 4 ? 2 : length < 9 ? 3 : 4;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned distance = word_distance(word, known[i]);

		if (distance < best && distance < strlen(known[i])) {
			best = distance;
			nearest = known[i];
		}
	}
	return nearest;
}

/* Room for @text behind what is in @buffer already? Then it is added. */
static bool add(char *buffer, size_t size, size_t *used, const char *before, const char *word)
{
	size_t need = strlen(before) + strlen(word) + 2;

	if (*used + need + sizeof("?") > size)
		return false;
	*used += (size_t)snprintf(buffer + *used, size - *used, "%s'%s'", before, word);
	return true;
}

/* "'qemu-legacy' or 'qemu-iommufd'" for "qemu": the words that begin with it, if they are few. */
static bool put_longer(const char *word, const char *const *known, size_t n, char *buffer, size_t size)
{
	size_t found = 0, used = 0;

	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(known[i], word, strlen(word)))
			continue;
		if (++found > LONGER_MAX ||
		    !add(buffer, size, &used, found > 1 ? " or " : "; did you mean ", known[i]))
			return false;
	}
	if (found)
		snprintf(buffer + used, size - used, "?");
	return found;
}

const char *suggestion(const char *word, const char *const *known, size_t n, char *buffer,
		       size_t size)
{
	const char *nearest = nearest_word(word, known, n);

	if (!nearest)
		return strlen(word) >= BEGINNING && put_longer(word, known, n, buffer, size) ? buffer : "";
	snprintf(buffer, size, "; did you mean '%s'?", nearest);
	return buffer;
}
