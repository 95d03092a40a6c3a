/* SPDX-License-Identifier: MIT */
/*
 * What each policy makes of each case: cases (and their variants) down, policies
 * across. Every cell is a play of its own, on a machine in this process.
 *
 *	matrix_make -> { matrix_print, matrix_json, matrix_page } -> matrix_done
 */
#ifndef HARNESS_CASE_MATRIX_H
#define HARNESS_CASE_MATRIX_H

#include <stdio.h>

#include "case/library.h"
#include "case/run.h"

#define MATRIX_COLUMNS_MAX 16
#define MATRIX_KERNELS_MAX 16

/* What became of a play, from best to worst. */
enum matrix_end {
	MATRIX_NONE,		/* not played: the case is not written for the mode, or says nothing of policies */
	MATRIX_SKIPPED,
	MATRIX_WELL,		/* every device came in, with everything mapped */
	MATRIX_OMITTED,		/* ... but some mapping was left out */
	MATRIX_REFUSED,		/* a device or a map was refused, or the program ended */
	MATRIX_LACKS,		/* on another kernel than the case is about, without iommufd for devices */
	MATRIX_DIFFERS,		/* on another kernel than the case is about: not what it expects there */
	MATRIX_FAILED,		/* not what the case expects */
};

struct matrix_cell {
	enum matrix_end end;
	char *words;		/* "2 spaces, mdev0.bar0 left out"; NULL: MATRIX_NONE */
	struct outcome_end how;	/* what they are made of, of a policy */
	char *story;		/* as --explain tells it; NULL unless asked for */
};

struct matrix_column {
	enum mode mode;
	const struct policy *policy;	/* NULL: as scripted */
};

struct matrix_row {
	const struct case_file *file;
	size_t variant;
	struct vfiosim_kernel kernel;	/* asked for; 0.0: the case's own */
	struct matrix_cell cells[MATRIX_COLUMNS_MAX];
	bool has_policies;		/* a policy plays it */
};

struct matrix {
	struct matrix_column columns[MATRIX_COLUMNS_MAX];
	size_t n_columns;
	struct matrix_row *rows;
	size_t n_rows, n_failed;
	bool scripted;		/* as scripted was asked for */
};

struct matrix_kernels {
	struct vfiosim_kernel list[MATRIX_KERNELS_MAX];
	size_t n;
};

/*
 * Plays every cell that passes the filter, on each of @kernels; where there are none on the
 * case's own. A case that names its kernel is played on that or not at all. @library must
 * outlive the matrix. @stories: keep what --explain tells. -ENOMEM, -EIO.
 */
int matrix_make(const struct library *library, const struct play_filter *filter,
		const struct matrix_kernels *kernels, bool stories, struct matrix *ret_matrix);
void matrix_done(struct matrix *matrix);

/* "mdev-hotadd/unpinnable", "mdev-hotadd/unpinnable on 6.1"; "qemu-legacy", "as scripted, iommufd" */
void matrix_row_name(const struct matrix_row *row, char *to, size_t size);
void matrix_column_name(const struct matrix_column *column, char *to, size_t size);

/*
 * As a table. Cells that do not fit into @width (0: any) become a word each, explained
 * below; where that is still too wide it is several tables, one below the other.
 */
void matrix_print(const struct matrix *matrix, FILE *to, unsigned width, bool colours);
/* A line for each cell: case, variant, kernel if one was asked for, mode, policy, result and what it is made of. */
void matrix_json(const struct matrix *matrix, FILE *to);
/* A page of HTML that needs nothing else; each cell leads to its story. */
void matrix_page(const struct matrix *matrix, FILE *to);

#endif
