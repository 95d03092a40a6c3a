/* SPDX-License-Identifier: MIT */
/*
 * What reads texts that people write: topologies, cases, expectations, fault rules.
 *
 * An input is a list of records of 8 bytes: the first says which text of the project's it
 * starts from, each further one is an edit. A text is accepted, or what is wrong with it is
 * told; a machine is made of an accepted topology, and an accepted case is played.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vfiosim/fault.h>
#include <vfiosim/topology.h>

#include "case/builtin.h"
#include "case/run.h"
#include "expect/expect.h"
#include "fuzz/edits.h"
#include "fuzz/fuzz.h"
#include "target.h"

#define RECORD 8
#define TWICE 16	/* so many inputs are read twice: the same text, the same complaints */

/* ---- The project's texts ------------------------------------------------- */

enum { TOPOLOGY, CASE, EXPECT, FAULT, KINDS };

static const char *const kind_names[] = { "topologies", "cases", "expectations", "fault rules" };

static const char *const fault_rules[] = {
	"MAP_DMA,when=3,error=ENOMEM", "pin,iova=0x1000..0x1fff,error=EFAULT", "map,delay=500ms",
	"VFIO_GROUP_GET_DEVICE_FD,return=5,force", "open,process=2,when=2..8+3,error=EMFILE",
	"charge,command=IOAS_MAP,page=3,error=ENOMEM", "attach,device=nic0,error=EBUSY",
	"VFIO_DEVICE_GET_INFO,set.num_irqs=0", "IOAS_MAP,ioas=1,comm=a,when=1+2,signal=SIGSTOP",
};

static struct {
	struct text *texts;
	size_t n, room;
} bases[KINDS];

static void add_base(unsigned kind, const char *from, size_t n)
{
	if (bases[kind].n == bases[kind].room) {
		bases[kind].room = 2 * bases[kind].room + 8;
		bases[kind].texts = realloc(bases[kind].texts,
					    bases[kind].room * sizeof(*bases[kind].texts));
	}
	if (!bases[kind].texts)
		abort();
	text_set(&bases[kind].texts[bases[kind].n++], from, n);
}

/* They are not built in. */
static void add_files(unsigned kind, const char *pattern)
{
	static char bytes[TEXT_MAX];
	glob_t found;

	if (glob(pattern, 0, NULL, &found)) {
		fprintf(stderr, "fuzz: no %s: run it at the top of the project\n", pattern);
		exit(2);
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *from = fopen(found.gl_pathv[i], "re");

		if (!from)
			abort();
		add_base(kind, bytes, fread(bytes, 1, sizeof(bytes), from));
		fclose(from);
	}
	globfree(&found);
}

static void find_bases(void)
{
	const struct vfiosim_builtin *topology;
	const struct case_builtin *one;

	for (size_t i = 0; (topology = vfiosim_topology_builtin(i)); i++)
		add_base(TOPOLOGY, topology->text, topology->length);
	for (size_t i = 0; (one = case_builtin(i)); i++)
		add_base(CASE, one->text, one->length);
	add_files(EXPECT, "harness/expect/examples/*.yaml");
	for (size_t i = 0; i < sizeof(fault_rules) / sizeof(fault_rules[0]); i++)
		add_base(FAULT, fault_rules[i], strlen(fault_rules[i]));
}

static const struct text *any_base(unsigned kind, struct choices *choices)
{
	return &bases[kind].texts[choose(choices, bases[kind].n)];
}

/* ---- Readers -------------------------------------------------------------- */

static struct {
	uint64_t read, accepted;
} counts[KINDS];
static uint64_t plays, passed;

static void broken(const char *what, const struct vfiosim_errors *errors)
{
	fprintf(stderr, "fuzz: %s\n", what);
	for (size_t i = 0; errors && i < errors->n; i++)
		fprintf(stderr, "  %s:%u:%u: %s\n", errors->list[i].file, errors->list[i].line,
			errors->list[i].column, errors->list[i].message);
	abort();
}

/* What is wrong is told, each with a place that is in the text. */
static void check_errors(int error, const struct text *text, const struct vfiosim_errors *errors)
{
	unsigned lines = 2;

	for (size_t i = 0; i < text->n; i++)
		lines += text->bytes[i] == '\n' || text->bytes[i] == '\r';
	if (error && error != -EINVAL && error != -ENOENT)
		broken(strerrorname_np(-error), errors);
	if (error && !errors->n)
		broken("refused without a word", NULL);
	if (!error && errors->n)
		broken("accepted with complaints", errors);
	if (errors->n > VFIOSIM_ERRORS_MAX)
		broken("more complaints than there is room for", NULL);
	for (size_t i = 0; i < errors->n; i++) {
		if (!errors->list[i].message[0])
			broken("an empty complaint", errors);
		/* U+0085, U+2028 and U+2029 end lines, too. */
		if (errors->list[i].line > lines + text->n / 2)
			broken("a complaint about a line that is not there", errors);
	}
}

static void try_machine(const struct vfiosim_topology *topology)
{
	static const struct target_sink none[] = { { NULL, NULL } };
	struct target *target;
	char *state = NULL;
	int error = target_inproc_create(topology, none, &target);

	if (error)
		broken("no machine can be made of a topology that was accepted", NULL);
	error = target->ops->state(target, &state);
	if (error)
		broken("the state cannot be read", NULL);
	free(state);
	target_destroy(target);
}

static bool read_topology(const struct text *text, struct vfiosim_errors *errors)
{
	struct vfiosim_topology *topology = NULL;
	int error = vfiosim_topology_parse("fuzz", text->bytes, text->n, &topology, errors);

	check_errors(error, text, errors);
	if (error)
		return false;
	try_machine(topology);
	vfiosim_topology_free(topology);
	return true;
}

static void play(const struct case_file *file, size_t variant, enum mode mode)
{
	static const struct target_sink none[] = { { NULL, NULL } };
	struct outcome outcome = { 0 };
	struct vfiosim_errors errors = { 0 };
	struct target *target;
	struct play one;
	int error = case_play_make(file, variant, mode, NULL, &one, &errors);

	if (error && !errors.n)
		broken("a play is refused without a word", NULL);
	if (error)
		return;
	if (target_inproc_create(one.topology, none, &target))
		broken("no machine can be made for a play", NULL);
	if (run_play(&one, target, NULL, &outcome))
		broken("a play cannot be run", NULL);
	if (outcome.verdict == FAILED && (!outcome.message || !outcome.message[0]))
		broken("a play fails without a word", NULL);
	plays++;
	passed += outcome.verdict == PASSED;
	target_destroy(target);
	outcome_done(&outcome);
	case_play_done(&one);
}

static bool read_case(const struct text *text, struct vfiosim_errors *errors)
{
	struct case_file *file = NULL;
	int error = case_parse("fuzz", text->bytes, text->n, &file, errors);

	check_errors(error, text, errors);
	if (error)
		return false;
	for (int mode = 0; mode < MODE_COUNT; mode++)
		for (size_t i = 0; file->scripted && file->modes[mode] && i < case_variants(file) && i < 4; i++)
			play(file, i, (enum mode)mode);
	case_free(file);
	return true;
}

static bool read_expect(const struct text *text, struct vfiosim_errors *errors)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), error, resolve = 0;
	struct expectations *expect = NULL;
	struct vfiosim_topology *topology;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, text->bytes, text->n) != (ssize_t)text->n ||
	    vfiosim_topology_load("hotadd", &topology, NULL))
		abort();
	error = expect_load(path, &expect, errors);
	if (expect)
		resolve = expect_resolve(expect, topology, errors);
	check_errors(error ? error : resolve, text, errors);
	expect_free(expect);
	vfiosim_topology_free(topology);
	close(fd);
	return !error && !resolve;
}

/* One line, NUL-terminated; what it says is added to a machine's. */
static bool read_fault(const struct text *text, struct vfiosim_errors *errors)
{
	char line[1024], problem[VFIOSIM_FAULT_TEXT_MAX] = "";
	struct vfiosim_topology *topology;
	int error;

	snprintf(line, sizeof(line), "%.*s", (int)text->n, text->bytes);
	if (vfiosim_topology_load("hotadd", &topology, NULL))
		abort();
	error = vfiosim_topology_add_fault(topology, line, problem, sizeof(problem));
	if (error && error != -EINVAL)
		broken(strerrorname_np(-error), NULL);
	if (error && !problem[0])
		broken("a fault rule is refused without a word", NULL);
	if (!error)
		try_machine(topology);
	vfiosim_topology_free(topology);
	return !error;
}

static bool (*const readers[])(const struct text *text, struct vfiosim_errors *errors) = {
	read_topology, read_case, read_expect, read_fault,
};

/* ---- One input ------------------------------------------------------------ */

static void read_again(unsigned kind, const struct text *text, const struct vfiosim_errors *before)
{
	static struct vfiosim_errors errors;

	errors = (struct vfiosim_errors){ 0 };
	readers[kind](text, &errors);
	if (errors.n != before->n)
		broken("the same text is complained about in another way", &errors);
	for (size_t i = 0; i < errors.n; i++)
		if (errors.list[i].line != before->list[i].line ||
		    (kind != EXPECT && strcmp(errors.list[i].message, before->list[i].message) != 0))
			broken("the same text is complained about in another way", &errors);
}

static void run(const uint8_t *data, size_t size, FILE *tell)
{
	static struct vfiosim_errors errors;
	static struct text text;
	struct choices choices;
	unsigned kind;

	if (!bases[0].n)
		find_bases();
	if (size < RECORD)
		return;
	choices_init(&choices, data, RECORD);
	kind = (unsigned)choose(&choices, KINDS);
	text = *any_base(kind, &choices);
	for (size_t at = RECORD; at + RECORD <= size; at += RECORD) {
		choices_init(&choices, data + at, RECORD);
		edit_any(&text, any_base(kind, &choices), &choices);
	}
	if (tell) {
		fprintf(tell, "%s:\n%.*s\n", kind_names[kind], (int)text.n, text.bytes);
		fflush(tell);
	}
	errors = (struct vfiosim_errors){ 0 };
	counts[kind].read++;
	counts[kind].accepted += readers[kind](&text, &errors);
	if (counts[kind].read % TWICE == 0)
		read_again(kind, &text, &errors);
}

/* Few edits, so that a text may pass: what lies behind the readers is to be met, too. */
static size_t make(struct choices *choices, uint8_t *to, size_t size)
{
	size_t n = (1 + choose_between(choices, 0, one_in(choices, 4) ? 12 : 3)) * RECORD;

	n = n < size ? n : size / RECORD * RECORD;
	choose_bytes(choices, to, n);
	return n;
}

/* Texts that are all refused reach only the readers. */
static bool report(FILE *to)
{
	bool enough = true;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		fprintf(to, "%" PRIu64 " %s, %" PRIu64 " accepted\n", counts[kind].read,
			kind_names[kind], counts[kind].accepted);
		enough &= counts[kind].accepted >= counts[kind].read / 10;
	}
	fprintf(to, "%" PRIu64 " plays, %" PRIu64 " passed\n", plays, passed);
	return enough;
}

const struct fuzz_target fuzz_target = {
	.name = "texts",
	.unit = RECORD,
	.max = 16 * RECORD,
	.make = make,
	.few = 1000,
	.run = run,
	.report = report,
};
