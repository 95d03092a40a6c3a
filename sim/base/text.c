/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/trace.h>

/* Where text goes; what does not fit is counted only. */
struct out {
	char *to;
	size_t size;
	size_t length;
};

static void out_bytes(struct out *out, const char *bytes, size_t n)
{
	size_t room = out->length < out->size ? out->size - out->length : 0;

	if (room)
		memcpy(out->to + out->length, bytes, n < room ? n : room);
	out->length += n;
}

/* 4K, 2M, 1G, 1T: the largest unit that divides it. */
static int format_size(char *to, size_t size, uint64_t number)
{
	static const char units[] = "\0KMGT";
	unsigned unit = 0;

	while (number && number % 1024 == 0 && unit < 4) {
		number /= 1024;
		unit++;
	}
	return snprintf(to, size, unit ? "%" PRIu64 "%c" : "%" PRIu64, number, units[unit]);
}

/* The ways to print a number, as written behind the colon. */
enum style { STYLE_HEX, STYLE_DECIMAL, STYLE_SIZE, STYLE_PLURAL, STYLES };
static const char *const style_names[STYLES] = { "", "d", "size", "s" };

static enum style find_style(const char *name, size_t length)
{
	enum style style = 0;

	while (style < STYLES &&
	       (strlen(style_names[style]) != length || memcmp(style_names[style], name, length)))
		style++;
	return style;
}

static const struct vfiosim_value *find_value(const struct vfiosim_value *values, const char *name,
					      size_t length)
{
	for (; values && values->name; values++)
		if (strlen(values->name) == length && !memcmp(values->name, name, length))
			return values;
	return NULL;
}

static void out_value(struct out *out, const struct vfiosim_value *value, enum style style)
{
	char digits[32];
	int n;

	if (value->text) {
		out_bytes(out, value->text, strlen(value->text));
		return;
	}
	if (style == STYLE_SIZE)
		n = format_size(digits, sizeof(digits), value->number);
	else if (style == STYLE_PLURAL)
		n = snprintf(digits, sizeof(digits), "%s", value->number == 1 ? "" : "s");
	else if (style == STYLE_DECIMAL)
		n = snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)value->number);
	else
		n = snprintf(digits, sizeof(digits), "0x%" PRIx64, value->number);
	out_bytes(out, digits, (size_t)n);
}

/* @open stands at a '{'. Prints its value; false: it is no name we know. */
static bool out_name(struct out *out, const char *open, const char *close,
		     const struct vfiosim_value *values)
{
	const char *name = open + 1;
	const char *colon = memchr(name, ':', (size_t)(close - name));
	const char *end = colon ? colon : close;
	const char *style_name = colon ? colon + 1 : close;
	const struct vfiosim_value *value = find_value(values, name, (size_t)(end - name));
	enum style style = find_style(style_name, (size_t)(close - style_name));

	if (!value || style == STYLES)
		return false;
	out_value(out, value, style);
	return true;
}

size_t text_fill(char *to, size_t size, const char *sentence, const struct vfiosim_value *values)
{
	struct out out = { .to = to, .size = size ? size - 1 : 0 };

	while (*sentence) {
		size_t plain = strcspn(sentence, "{");
		const char *close;

		out_bytes(&out, sentence, plain);
		sentence += plain;
		if (!*sentence)
			break;
		close = strchr(sentence, '}');
		if (close && out_name(&out, sentence, close, values)) {
			sentence = close + 1;
			continue;
		}
		out_bytes(&out, sentence++, 1);
	}
	if (size)
		to[out.length < size ? out.length : size - 1] = '\0';
	return out.length;
}
