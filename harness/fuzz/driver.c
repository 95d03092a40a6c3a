/* SPDX-License-Identifier: MIT */
/* What stands between a target and its engine: libFuzzer, or ourselves. See fuzz.h. */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- libFuzzer ---------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_target.run(data, size, NULL);
	return 0;
}

#ifdef LIBFUZZER

static void report_at_exit(void)
{
	if (fuzz_target.report)
		fuzz_target.report(stderr);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (fuzz_target.begin)
		fuzz_target.begin(*argc, *argv);
	atexit(report_at_exit);
	return 0;
}

/* Moves, copies, drops pieces as a whole, so that those behind them keep their meaning. */
static size_t mutate_pieces(uint8_t *data, size_t n, size_t max, struct choices *choices)
{
	const size_t unit = fuzz_target.unit;
	size_t at = choose(choices, n), from = choose(choices, n);
	uint8_t piece[64];

	switch (choose(choices, 4)) {
	case 0:
		if (n == 1)
			return n;
		memmove(data + at * unit, data + (at + 1) * unit, (n - at - 1) * unit);
		return n - 1;
	case 1:		/* a copy of another one, or a new one */
		if (n == max)
			return n;
		memcpy(piece, data + from * unit, unit);
		if (one_in(choices, 2))
			choose_bytes(choices, piece, unit);
		memmove(data + (at + 1) * unit, data + at * unit, (n - at) * unit);
		memcpy(data + at * unit, piece, unit);
		return n + 1;
	case 2:
		memcpy(piece, data + at * unit, unit);
		memcpy(data + at * unit, data + from * unit, unit);
		memcpy(data + from * unit, piece, unit);
		return n;
	default:
		LLVMFuzzerMutate(data + at * unit, unit, unit);
		return n;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	const size_t unit = fuzz_target.unit;
	struct choices choices;

	choices_seed(&choices, seed);
	if (unit == 1 || size < unit || one_in(&choices, 8))
		return LLVMFuzzerMutate(data, size, max);
	return mutate_pieces(data, size / unit, max / unit, &choices) * unit;
}

#else

/* ---- Ourselves ----------------------------------------------------------- */

struct options {
	uint64_t seed, runs;
	unsigned seconds;
	size_t size;		/* of an input, at most; 0: as the target says */
	bool one;		/* number @runs alone */
	bool tell, shrink;
};

/* For the handler: which input it was. */
static struct {
	const char *program;
	uint64_t seed, run;
	size_t size;
} now;

static void say_again(int signal)
{
	char text[200];
	/* NOLINTNEXTLINE(bugprone-signal-handler): glibc's allocates nothing for these formats */
	int n = snprintf(text, sizeof(text),
			 "fuzz: again, in words: %s --seed %" PRIu64 " --size %zu --run %" PRIu64
			 " --tell (--shrink: fewer steps)\n",
			 now.program, now.seed, now.size, now.run);

	if (write(2, text, (size_t)n) != n)
		_exit(1);
}

static void died(int number)
{
	say_again(number);
	signal(number, SIG_DFL);
	raise(number);
}

/* There with a sanitizer only: it ends the process itself. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void sanitizer_died(void)
{
	say_again(0);
}

static size_t make(const struct options *options, uint64_t run, uint8_t *to)
{
	size_t max = options->size ? options->size : fuzz_target.max, n;
	struct choices choices;

	choices_seed(&choices, options->seed * 0x9e3779b97f4a7c15 ^ run);
	if (fuzz_target.make)
		return fuzz_target.make(&choices, to, max);
	n = choose_between(&choices, 1, max / fuzz_target.unit) * fuzz_target.unit;
	choose_bytes(&choices, to, n);
	return n;
}

/* ---- Fewer steps --------------------------------------------------------- */

/* In a child, silent: does it fail? */
static bool fails(const uint8_t *data, size_t size)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		fuzz_target.run(data, size, NULL);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	return child > 0 && status;
}

/* Leaves out what it fails without. */
static size_t shrink(uint8_t *data, size_t size)
{
	const size_t unit = fuzz_target.unit;
	uint8_t *less = malloc(size + 1);

	if (!less)
		return size;
	for (size_t chunk = size / unit / 2 * unit; chunk >= unit; chunk = chunk / unit / 2 * unit)
		for (size_t at = unit == 1 ? 0 : unit; at + chunk <= size;) {
			memcpy(less, data, at);
			memcpy(less + at, data + at + chunk, size - at - chunk);
			if (!fails(less, size - chunk)) {
				at += chunk;
				continue;
			}
			size -= chunk;
			memcpy(data, less, size);
		}
	free(less);
	return size;
}

static void run_one(const struct options *options, uint8_t *data, size_t size)
{
	if (options->shrink) {
		if (fails(data, size))
			size = shrink(data, size);
		else
			fprintf(stderr, "fuzz: this one does not fail\n");
	}
	fuzz_target.run(data, size, options->tell || options->shrink ? stdout : NULL);
}

static int run_file(const struct options *options, const char *path)
{
	uint8_t *data = malloc(1 << 20);
	FILE *from = fopen(path, "re");
	size_t size = data && from ? fread(data, 1, 1 << 20, from) : 0;

	if (!from || !data) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		free(data);
		return 1;
	}
	fclose(from);
	run_one(options, data, size);
	free(data);
	return 0;
}

/* ---- Many ---------------------------------------------------------------- */

static int run_many(const struct options *options)
{
	uint8_t *data = malloc(options->size ? options->size : fuzz_target.max);
	struct timespec begin, end;
	uint64_t run = options->one ? options->runs : 1;

	if (!data)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (; run <= options->runs; run++) {
		now.run = run;
		run_one(options, data, make(options, run, data));
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (options->seconds && end.tv_sec - begin.tv_sec >= (time_t)options->seconds)
			break;
	}
	free(data);
	return fuzz_target.report && !options->one && !fuzz_target.report(stdout);
}

static int usage(const char *program)
{
	printf("usage: %s [--seed N] [--runs N] [--seconds N] [--size BYTES]\n"
	       "       %s --seed N [--size BYTES] --run N [--tell] [--shrink]\n"
	       "       %s [--tell] [--shrink] FILE...\n",
	       program, program, program);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' }, { "runs", required_argument, NULL, 'n' },
		{ "run", required_argument, NULL, 'r' },  { "seconds", required_argument, NULL, 't' },
		{ "size", required_argument, NULL, 'z' }, { "tell", no_argument, NULL, 'e' },
		{ "shrink", no_argument, NULL, 'k' },	  { NULL, 0, NULL, 0 },
	};
	struct options options = { .seed = 1, .runs = UINT64_MAX, .seconds = 0 };
	int option, status = 0;

	if (fuzz_target.begin)
		fuzz_target.begin(argc, argv);
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (option) {
		case 's':
			options.seed = number;
			break;
		case 'r':
			options.one = true;
			/* fallthrough */
		case 'n':
			options.runs = number;
			break;
		case 't':
			options.seconds = (unsigned)number;
			break;
		case 'z':
			options.size = number;
			break;
		case 'e':
			options.tell = true;
			break;
		case 'k':
			options.shrink = true;
			break;
		default:
			return usage(argv[0]);
		}
	}
	if (options.runs == UINT64_MAX && !options.seconds)
		options.runs = fuzz_target.few;
	if (optind == argc) {
		now.program = argv[0];
		now.seed = options.seed;
		now.size = options.size ? options.size : fuzz_target.max;
		signal(SIGABRT, died);
		signal(SIGSEGV, died);
		if (__sanitizer_set_death_callback)
			__sanitizer_set_death_callback(sanitizer_died);
		return run_many(&options);
	}
	for (; optind < argc; optind++)
		status |= run_file(&options, argv[optind]);
	return status;
}

#endif
