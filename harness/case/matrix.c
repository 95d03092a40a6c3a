/* SPDX-License-Identifier: MIT */
/* The plays of a matrix, and what became of each in a few words. See matrix.h. */
#include "case/matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel_version.h"
#include "case/job.h"
#include "case/verb.h"
#include "select/policy.h"

/* ---- Names ------------------------------------------------------------- */

void matrix_row_name(const struct matrix_row *row, char *to, size_t size)
{
	const char *variant = case_variant(row->file, row->variant);

	snprintf(to, size, "%s%s%s", row->file->name, variant ? "/" : "", variant ? variant : "");
	if (row->kernel.major)
		snprintf(to + strlen(to), size - strlen(to), " on %u.%u", row->kernel.major,
			 row->kernel.minor);
}

void matrix_column_name(const struct matrix_column *column, char *to, size_t size)
{
	snprintf(to, size, "%s%s", column->policy ? "" : "as scripted, ",
		 column->policy ? column->policy->name : mode_names[column->mode]);
}

/* ---- In a few words ---------------------------------------------------- */

/* What the case maps at @iova: "mdev0.bar0", "ram". NULL: nothing it speaks of. */
static const char *mapped_at(const struct play *play, uint64_t iova)
{
	for (size_t i = 0; i < play->n_steps; i++) {
		const struct step *step = &play->steps[i];

		if (!strcmp(step->verb->name, "map") && step_arg(step, "iova") &&
		    step_number(step, "iova", 0) == iova)
			return step_text(step, "from", "ram");
	}
	return NULL;
}

static void put_omitted(const struct matrix_row *row, const struct matrix_column *column,
			const struct outcome_end *end, FILE *to)
{
	struct play play;

	/* It was made before, so nothing is wrong with it. */
	if (case_play_make(row->file, row->variant, column->mode, column->policy, &play, NULL))
		return;
	for (size_t i = 0; i < end->omitted && i < 2; i++) {
		const char *what = mapped_at(&play, end->omitted_at[i]);

		if (what)
			fprintf(to, ", %s", what);
		else
			fprintf(to, ", 0x%" PRIx64, end->omitted_at[i]);
	}
	if (end->omitted > 2)
		fprintf(to, " and %zu more", end->omitted - 2);
	fputs(" left out", to);
	case_play_done(&play);
}

static void put_refused(const struct outcome_end *end, FILE *to)
{
	for (size_t i = 0; i < end->refused && i < OUTCOME_NAMED_MAX; i++)
		fprintf(to, ", %s", end->refused_names[i]);
	fputs(" refused", to);
}

static enum matrix_end put_end(const struct matrix_row *row, const struct matrix_column *column,
			       const struct outcome_end *end, FILE *to)
{
	fprintf(to, "%u space%s", end->spaces, end->spaces == 1 ? "" : "s");
	if (end->omitted)
		put_omitted(row, column, end, to);
	if (end->refused)
		put_refused(end, to);
	if (end->unmapped)
		fprintf(to, ", %u map%s refused", end->unmapped, end->unmapped == 1 ? "" : "s");
	if (end->aborted)
		fputs(", program ends", to);
	if (end->refused || end->unmapped || end->aborted)
		return MATRIX_REFUSED;
	return end->omitted ? MATRIX_OMITTED : MATRIX_WELL;
}

/* Before devices had nodes of their own no program could bind one to an iommufd. */
static bool lacks_iommufd(const struct matrix_row *row, const struct matrix_column *column)
{
	const struct vfiosim_kernel first = { 6, 6 };

	return row->kernel.major && column->mode == MODE_IOMMUFD && kernel_before(row->kernel, first);
}

static enum matrix_end put_words(const struct matrix_row *row, const struct matrix_column *column,
				 const struct outcome *outcome, FILE *to)
{
	const bool lacks = lacks_iommufd(row, column);
	const char *failed = lacks ? "lacks iommufd" : row->kernel.major ? "differs" : "FAILED";
	enum matrix_end end = MATRIX_WELL;

	if (outcome->verdict == SKIPPED) {
		fputs("skipped", to);
		return MATRIX_SKIPPED;
	}
	if (outcome->verdict == FAILED)
		fprintf(to, "%s%s", failed, outcome->end.known ? ": " : "");
	if (outcome->end.known)
		end = put_end(row, column, &outcome->end, to);
	else if (outcome->verdict == PASSED)
		fputs("ok", to);
	if (outcome->verdict != FAILED)
		return end;
	if (lacks)
		return MATRIX_LACKS;
	return row->kernel.major ? MATRIX_DIFFERS : MATRIX_FAILED;
}

/* ---- Playing ----------------------------------------------------------- */

static int finish_cell(const struct matrix_row *row, const struct matrix_column *column,
		       const struct job_result *result, struct matrix_cell *cell)
{
	size_t size;
	FILE *to = open_memstream(&cell->words, &size);

	if (!to)
		return -ENOMEM;
	cell->end = put_words(row, column, &result->outcome, to);
	cell->how = result->outcome.end;
	return fclose(to) ? -ENOMEM : 0;
}

static int play_cell(const struct matrix_row *row, const struct matrix_column *column, bool story,
		     struct matrix_cell *cell)
{
	const struct play play = { .file = row->file, .variant = row->variant, .mode = column->mode,
				   .policy = column->policy };
	struct job_options options = { .target = JOB_INPROC, .kernel = row->kernel };
	struct job_result result;
	size_t size;
	int error;

	if (story)
		options.explain = open_memstream(&cell->story, &size);
	if (story && !options.explain)
		return -ENOMEM;
	error = job_run(&play, &options, &result);
	if (!error && options.explain && result.outcome.verdict != PASSED)
		fprintf(options.explain, "\n%s\n", result.outcome.message);
	if (options.explain && fclose(options.explain) && !error)
		error = -ENOMEM;
	if (error)
		return error;
	error = finish_cell(row, column, &result, cell);
	job_result_done(&result);
	return error;
}

/* Policies play cases that say something of policies; of those, all that can. */
static bool is_played(const struct case_file *file, const struct matrix_column *column)
{
	if (!file->modes[column->mode])
		return false;
	return column->policy ? file->outcome != NULL : file->scripted;
}

static int play_row(struct matrix *matrix, struct matrix_row *row, bool stories)
{
	int error = 0;

	for (size_t i = 0; i < matrix->n_columns && !error; i++) {
		if (!is_played(row->file, &matrix->columns[i]))
			continue;
		error = play_cell(row, &matrix->columns[i], stories, &row->cells[i]);
		row->has_policies |= matrix->columns[i].policy != NULL;
		matrix->n_failed += row->cells[i].end == MATRIX_FAILED;
	}
	return error;
}

/* ---- The whole --------------------------------------------------------- */

static void add_column(struct matrix *matrix, enum mode mode, const struct policy *policy)
{
	if (matrix->n_columns < MATRIX_COLUMNS_MAX)
		matrix->columns[matrix->n_columns++] = (struct matrix_column){ mode, policy };
}

/* A mode's policies, behind what is scripted. */
static void add_mode(struct matrix *matrix, const struct play_filter *filter, enum mode mode)
{
	const struct policy *policy;

	if (filter->mode >= 0 && filter->mode != (int)mode)
		return;
	if (library_has_policy(filter, NULL))
		add_column(matrix, mode, NULL);
	for (size_t i = 0; (policy = policy_at(i)); i++)
		if (case_policy_fits(policy, mode) && library_has_policy(filter, policy))
			add_column(matrix, mode, policy);
}

/* A case that names its kernel, or a variant's, is about no other. No mode has one of its own. */
static bool is_about(const struct case_file *file, size_t variant, struct vfiosim_kernel kernel)
{
	const struct ynode *values = file->variants ? &file->variants->items[variant] : NULL;
	const struct ynode *own = ynode_get(file->params, "kernel");
	struct vfiosim_kernel named;

	own = own ? case_pick(own, values, file->modes[MODE_LEGACY] ? MODE_LEGACY : MODE_IOMMUFD) : NULL;
	return !own || own->kind != YNODE_SCALAR ||
	       (vfiosim_kernel_parse(own->text, &named) && named.major == kernel.major &&
		named.minor == kernel.minor);
}

static bool passes(const struct matrix *matrix, const struct case_file *file, size_t variant,
		   const struct play_filter *filter)
{
	if (!library_has_variant(filter, file, variant))
		return false;
	for (size_t i = 0; i < matrix->n_columns; i++)
		if (is_played(file, &matrix->columns[i]))
			return true;
	return false;
}

static int add_row(struct matrix *matrix, const struct case_file *file, size_t variant,
		   struct vfiosim_kernel kernel)
{
	struct matrix_row *rows = realloc(matrix->rows, (matrix->n_rows + 1) * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	matrix->rows = rows;
	rows[matrix->n_rows++] = (struct matrix_row){ .file = file, .variant = variant,
							.kernel = kernel };
	return 0;
}

static int add_rows(struct matrix *matrix, const struct case_file *file, size_t variant,
		    const struct matrix_kernels *kernels)
{
	int error = 0;

	if (!kernels->n)
		return add_row(matrix, file, variant, (struct vfiosim_kernel){ 0 });
	for (size_t i = 0; i < kernels->n && !error; i++)
		if (is_about(file, variant, kernels->list[i]))
			error = add_row(matrix, file, variant, kernels->list[i]);
	return error;
}

int matrix_make(const struct library *library, const struct play_filter *filter,
		const struct matrix_kernels *kernels, bool stories, struct matrix *ret_matrix)
{
	struct matrix matrix = { .scripted = filter->policies && library_has_policy(filter, NULL) };
	int error = 0;

	for (unsigned mode = 0; mode < MODE_COUNT; mode++)
		add_mode(&matrix, filter, (enum mode)mode);
	for (size_t i = 0; i < library->n && !error; i++)
		for (size_t v = 0; v < case_variants(library->files[i]) && !error; v++)
			if (passes(&matrix, library->files[i], v, filter))
				error = add_rows(&matrix, library->files[i], v, kernels);
	for (size_t i = 0; i < matrix.n_rows && !error; i++)
		error = play_row(&matrix, &matrix.rows[i], stories);
	if (error)
		matrix_done(&matrix);
	else
		*ret_matrix = matrix;
	return error;
}

void matrix_done(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_rows; i++) {
		for (size_t k = 0; k < matrix->n_columns; k++) {
			free(matrix->rows[i].cells[k].words);
			free(matrix->rows[i].cells[k].story);
		}
	}
	free(matrix->rows);
	*matrix = (struct matrix){ .n_columns = 0 };
}
