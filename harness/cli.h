/* SPDX-License-Identifier: MIT */
/*
 * The command line: verbs and their options as tables. A row says everything about
 * an option: its name, its argument, its line of help, where its value goes. The
 * parser, --help, "did you mean" and the shell's completion are made from the rows.
 *
 *	cli_main(&vfiosim_verb, argc, argv)
 *	  -> the verb's row -> its options into a structure of its own -> row->run()
 *
 * Exit status: 0; 1 what was asked for came out negative (a case failed); 2 usage, a
 * broken file, or vfiosim's own failure. `run` differs: the command's, or 125 to 127.
 */
#ifndef HARNESS_CLI_H
#define HARNESS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct vfiosim_errors;

/* ---- Tables ---- */

/* The words that may stand somewhere, by index; NULL past the end. */
typedef const char *cli_words(size_t index);

enum cli_kind {
	CLI_FLAG,	/* no argument; bool */
	CLI_TEXT,	/* const char *, the argument itself; @words are suggestions */
	CLI_CHOICE,	/* int, the index of one of @words */
	CLI_CHOICES,	/* unsigned, a bit for each of @words: "A,B", or the option repeated */
	CLI_PARSED,	/* what @parse makes of it; @words are suggestions */
};

struct cli_option {
	const char *name;	/* without dashes; NULL ends a table */
	char letter;		/* 0: none */
	const char *arg;	/* "FILE"; NULL: it takes none */
	const char *help;	/* one line, or several with '\n' between */
	enum cli_kind kind;
	size_t offset;		/* of the value in the verb's structure */
	cli_words *words;	/* NULL: none known */
	bool files;		/* an argument may be a file: for completion */
	/*
	 * CLI_PARSED: NULL, or what was expected instead ("a number"). @to: the verb's
	 * structure at @offset.
	 */
	const char *(*parse)(const char *text, void *to);
	/* CLI_CHOICE: --name alone means the first word; another is given as --name=WORD. */
	bool optional;
};

struct cli_verb {
	const char *name;
	const char *about;		/* one line; NULL: a verb that is not for people */
	const struct cli_verb *const *verbs;	/* those below it, a NULL ends them; NULL: it
						   does something itself */

	/* Of one that does something: */
	const char *args;		/* "[NAME|FILE...]"; NULL: it takes none but options */
	size_t min_args, max_args;	/* how many; SIZE_MAX: any number */
	cli_words *words;		/* what an argument may be, for completion */
	bool files;			/* ... a file as well */
	bool command;			/* arguments are a command, whose options are its own ... */
	const char *no_command;		/* ... but this word is none; NULL */
	const char *more;		/* paragraphs below the options, or NULL */
	const struct cli_option *options;	/* NULL: none. Of one with verbs below: those
						   that may stand before the verb as well */
	size_t size;			/* of the structure the options go into ... */
	const void *defaults;		/* ... and what it is before; NULL: zeroes */
	int usage_status;		/* for mistakes in usage; 0: 2 */
	/* @args: @n of them, and a NULL. Returns the exit status. */
	int (*run)(void *options, char **args, size_t n);
};

extern const struct cli_verb vfiosim_verb;	/* verbs.c: the root of all */
extern const struct cli_verb run_verb;		/* launch/run.c */
extern const struct cli_verb sweep_verb;		/* sweep/sweep_verb.c */
extern const struct cli_verb ctl_verb;	/* ctl/ctl.c */
extern const struct cli_verb topology_verb;	/* topology.c */
extern const struct cli_verb topology_record_verb;	/* record/record_verb.c */
extern const struct cli_verb doctor_verb;	/* doctor/doctor.c */
extern const struct cli_verb kernel_verb;	/* kernel.c */
extern const struct cli_verb case_verb;		/* case/case_verb.c */
extern const struct cli_verb explain_verb;	/* learn/explain_verb.c */
extern const struct cli_verb tour_verb;		/* learn/tour_verb.c */
extern const struct cli_verb worker_verb;	/* target_worker.c */
extern const struct cli_verb complete_verb;	/* cli_complete.c */

/* Words for rows: the topologies that are built in. topology.c */
const char *topology_word(size_t index);

/* Does what @argv says, @argv[0] being @verb itself. Returns the exit status. */
int cli_main(const struct cli_verb *verb, int argc, char **argv);

/* What `VERB --help` prints; @path is the verb's whole name ("case run"). */
void cli_help(const struct cli_verb *verb, const char *path, FILE *to);

/* The verb below @verb that is called @name; NULL: none. */
const struct cli_verb *cli_find_verb(const struct cli_verb *verb, const char *name);
/* The option of @verb called @name (@length letters of it); NULL: none. */
const struct cli_option *cli_find_option(const struct cli_verb *verb, const char *name, size_t length);

/*
 * What may stand at word @index of @words (@n of them, vfiosim's own name not among
 * them), one a line, that begins as the word there does. Besides words: ":files", and
 * ":command N", where N is the index of a command of its own.
 */
void cli_complete(const struct cli_verb *verb, char **words, size_t n, size_t index, FILE *to);

/* ---- Messages ---- */

/* "vfiosim: error: MESSAGE" to stderr; colours only on a terminal. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line for each, "FILE:LINE:COLUMN: MESSAGE". None: memory ran out. */
void cli_file_errors(const struct vfiosim_errors *errors);
/* Has all that was written to @stream arrived? 0 or -errno. */
int cli_stream_error(FILE *stream);
/* The same, told as "cannot write @name". */
int cli_flush(FILE *stream, const char *name);
/* @word as a shell takes it: quoted where it has to be. */
void cli_put_word(const char *word, FILE *to);
/* The same for standard output: @status, or 2 if that was 0. */
int cli_finish(int status);
/* Can signs beyond ASCII be shown, as the locale says? */
bool cli_utf8(void);
/* May @stream have colours? A terminal, and NO_COLOR is not set. */
bool cli_colours(FILE *stream);

#endif
