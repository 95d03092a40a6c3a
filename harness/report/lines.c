/* SPDX-License-Identifier: MIT */
#include "report/lines.h"

#include <stdarg.h>
#include <string.h>

void lines_put(FILE *to, int indent, const char *head, const char *text)
{
	size_t margin = (size_t)indent + strlen(head), column = margin;

	fprintf(to, "%*s%s", indent, "", head);
	while (*text) {
		size_t length = strcspn(text, " \n");

		if (column > margin && column + 1 + length > LINES_WIDTH) {
			fprintf(to, "\n%*s", (int)margin, "");
			column = margin;
		} else if (column > margin) {
			fputc(' ', to);
			column++;
		}
		fprintf(to, "%.*s", (int)length, text);
		column += length;
		text += length;
		text += strspn(text, " \n");
	}
	fputc('\n', to);
}

void lines_putf(FILE *to, int indent, const char *head, const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	lines_put(to, indent, head, text);
}
