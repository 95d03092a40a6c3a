/* SPDX-License-Identifier: MIT */
/* Sentences as lines on a terminal. */
#ifndef HARNESS_REPORT_LINES_H
#define HARNESS_REPORT_LINES_H

#include <stdio.h>

#define LINES_WIDTH 100

/* @text behind @head at column @indent, wrapped; more lines stand below its first word. */
void lines_put(FILE *to, int indent, const char *head, const char *text);
/* The same, printed. */
void lines_putf(FILE *to, int indent, const char *head, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
