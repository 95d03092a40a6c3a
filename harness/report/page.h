/* SPDX-License-Identifier: MIT */
/*
 * What every HTML page shares: one file that needs no network, light and dark as the
 * reader's system says, narrow on a phone, plain on paper.
 *
 *	page_begin -> { page_text (escaped), markup of the caller's } -> page_end
 *
 * Classes that the style knows: table.grid (borders), .ok, .refused, .quiet (less
 * important), .mono, figure and its svg (boxes .box, lines .line, text in the page's
 * colours), dl.glossary.
 */
#ifndef HARNESS_REPORT_PAGE_H
#define HARNESS_REPORT_PAGE_H

#include <stdio.h>

/* The head, the style, and <h1>@title</h1>. @about: a sentence below it, or NULL. */
void page_begin(FILE *to, const char *title, const char *about);
/*
 * Text inside an element or an attribute, of XML, too: & < > " are escaped, control
 * characters, which it does not know, become question marks.
 */
void page_text(FILE *to, const char *text);
/* The foot: who made it. */
void page_end(FILE *to);

#endif
