/* SPDX-License-Identifier: MIT */
/* Cases as pages: one, or a folder of them with an index by topic. */
#ifndef HARNESS_CASE_CASE_PAGE_H
#define HARNESS_CASE_CASE_PAGE_H

#include <stddef.h>

struct case_file;
struct job_options;
struct library;
struct play;

/*
 * Writes the story of the only case of @library to @path; where that ends in '/', each
 * case to a file of its own there (the folder is made), and index.html. @plays: those that
 * may be told. 0, or -errno, told.
 */
int case_page_write(const struct library *library, const struct play *plays, size_t n,
		    const struct job_options *options, const char *path);

/* The two of it: the page of @file, told from those of @plays that are its; nothing where none is. */
int case_page_one(const struct case_file *file, const struct play *plays, size_t n,
		  const struct job_options *options, const char *path);
/* @folder ends in '/'. Besides the cases: rules.html and matrix.html. */
int case_folder_write(const struct library *library, const struct play *plays, size_t n,
		      const struct job_options *options, const char *folder);

#endif
