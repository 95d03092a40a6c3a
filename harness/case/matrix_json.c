/* SPDX-License-Identifier: MIT */
/* A matrix as lines of JSON, one for each cell that was played. See matrix.h. */
#include "base/json.h"
#include "case/matrix.h"

static const char *const ends[] = { NULL, "skipped", "well", "omitted", "refused", "lacks", "differs", "failed" };

static void put_end(struct json *json, const struct outcome_end *end)
{
	json_put_unsigned(json, "spaces", end->spaces);
	json_key(json, "omitted");
	json_array(json);
	for (size_t i = 0; i < end->omitted && i < OUTCOME_NAMED_MAX; i++)
		json_hex(json, end->omitted_at[i]);
	json_array_end(json);
	json_key(json, "refused");
	json_array(json);
	for (size_t i = 0; i < end->refused && i < OUTCOME_NAMED_MAX; i++)
		json_string(json, end->refused_names[i]);
	json_array_end(json);
	json_put_unsigned(json, "maps_refused", end->unmapped);
	json_put_bool(json, "program_ends", end->aborted);
}

static void put_cell(const struct matrix_row *row, const struct matrix_column *column,
		     const struct matrix_cell *cell, FILE *to)
{
	struct json json;
	char kernel[32];

	json_init(&json, to, false);
	json_object(&json);
	json_put_string(&json, "case", row->file->name);
	json_put_string(&json, "variant", case_variant(row->file, row->variant));
	if (row->kernel.major) {
		snprintf(kernel, sizeof(kernel), "%u.%u", row->kernel.major, row->kernel.minor);
		json_put_string(&json, "kernel", kernel);
	}
	json_put_string(&json, "mode", mode_names[column->mode]);
	json_put_string(&json, "policy", column->policy ? column->policy->name : NULL);
	json_put_string(&json, "result", ends[cell->end]);
	if (cell->how.known)
		put_end(&json, &cell->how);
	json_put_string(&json, "words", cell->words);
	json_object_end(&json);
	putc('\n', to);
}

void matrix_json(const struct matrix *matrix, FILE *to)
{
	for (size_t i = 0; i < matrix->n_rows; i++)
		for (size_t k = 0; k < matrix->n_columns; k++)
			if (matrix->rows[i].cells[k].end != MATRIX_NONE)
				put_cell(&matrix->rows[i], &matrix->columns[k],
					 &matrix->rows[i].cells[k], to);
}
