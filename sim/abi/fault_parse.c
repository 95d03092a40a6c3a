/* SPDX-License-Identifier: MIT */
/* Faults as people write them; the grammar is in vfiosim/fault.h. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <vfiosim/topology.h>

#include "abi/fault.h"
#include "base/errnos.h"
#include "base/nearest.h"
#include "base/value.h"
#include "machine/call.h"

#define WORDS_MAX 160

struct parser {
	struct vfiosim_fault *fault;
	const struct vfiosim_topology *topology;
	FILE *problem;
};

static int complain(struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(struct parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(parser->problem, format, args);
	va_end(args);
	return -EINVAL;
}

/* Nothing of that name among @words. */
static int unknown(struct parser *parser, const char *what, const char *word,
		   const char *const *words, size_t n)
{
	char nearest[VFIOSIM_FAULT_TEXT_MAX];

	return complain(parser, "'%s' is not %s%s", word, what,
			suggestion(word, words, n, nearest, sizeof(nearest)));
}

/* ---- Sites ---- */

/* What may be left out in front of a command's name. */
static const char *const prefixes[] = {
	"", "VFIO_", "VFIO_IOMMU_", "VFIO_GROUP_", "VFIO_DEVICE_", "IOMMU_", NULL
};

static bool is_command(const char *word, const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	return !strncmp(name, prefix, n) && !strcasecmp(name + n, word);
}

/* Rows of one name are one command. -ENOENT; -EINVAL: it may be either of two. */
static int find_command(struct parser *parser, const char *word,
			const struct vfiosim_command **ret_row)
{
	const struct vfiosim_command *row, *found = NULL;

	for (const char *const *prefix = prefixes; *prefix; prefix++)
		for (size_t i = 0; (row = vfiosim_command(i)); i++) {
			if (!is_command(word, *prefix, row->name) ||
			    (found && !strcmp(found->name, row->name)))
				continue;
			if (found)
				return complain(parser, "'%s' is %s or %s: which one?", word,
						found->name, row->name);
			found = row;
		}
	*ret_row = found;
	return found ? 0 : -ENOENT;
}

static bool find_class(const char *word, const struct vfiosim_fault_class **ret_class)
{
	for (size_t i = 0; (*ret_class = vfiosim_fault_class(i)); i++)
		if (!strcmp((*ret_class)->name, word))
			return true;
	return false;
}

static bool find_site(const char *word, enum vfiosim_fault_site *ret_site)
{
	for (size_t i = VFIOSIM_FAULT_COMMAND + 1; i < VFIOSIM_FAULT_SITES; i++) {
		*ret_site = (enum vfiosim_fault_site)i;
		if (!strcmp(vfiosim_fault_site(i)->name, word))
			return true;
	}
	return false;
}

static size_t without_prefix(const char *name)
{
	size_t longest = 0;

	for (const char *const *prefix = prefixes; *prefix; prefix++)
		if (!strncmp(name, *prefix, strlen(*prefix)) && strlen(*prefix) > longest)
			longest = strlen(*prefix);
	return longest;
}

/* Whole names where a prefix was given, else short ones. */
static int unknown_command(struct parser *parser, const char *what, const char *word, bool sites)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	bool whole = without_prefix(word);

	for (size_t i = 0; sites && i + 1 < VFIOSIM_FAULT_SITES; i++)
		words[n++] = vfiosim_fault_site(i + 1)->name;
	for (size_t i = 0; vfiosim_fault_class(i); i++)
		words[n++] = vfiosim_fault_class(i)->name;
	for (size_t i = 0; n < WORDS_MAX && vfiosim_command(i); i++) {
		const char *name = vfiosim_command(i)->name;

		words[n++] = whole ? name : name + without_prefix(name);
	}
	return unknown(parser, what, word, words, n);
}

void fault_short_text(const struct vfiosim_fault *fault, char *to, size_t size)
{
	const struct vfiosim_command *found;
	struct parser nobody = { .problem = NULL };
	size_t cut = fault->command ? without_prefix(fault->command->name) : 0;
	char problem[VFIOSIM_FAULT_TEXT_MAX];

	vfiosim_fault_text(fault, to, size);
	nobody.problem = fmemopen(problem, sizeof(problem), "w");
	if (!nobody.problem)
		return;
	if (fault->site == VFIOSIM_FAULT_COMMAND && cut &&
	    !find_command(&nobody, fault->command->name + cut, &found))
		memmove(to, to + cut, strlen(to + cut) + 1);
	fclose(nobody.problem);
}

static int set_command(struct parser *parser, const char *word, const char *what, bool sites)
{
	int ret;

	if (find_class(word, &parser->fault->command_class))
		return 0;
	ret = find_command(parser, word, &parser->fault->command);
	return ret == -ENOENT ? unknown_command(parser, what, word, sites) : ret;
}

static int set_site(struct parser *parser, const char *word)
{
	if (find_site(word, &parser->fault->site))
		return 0;
	parser->fault->site = VFIOSIM_FAULT_COMMAND;
	return set_command(parser, word, "a fault site", true);
}

/* ---- Where ---- */

static int bad_value(struct parser *parser, const char *key, const char *expected)
{
	return complain(parser, "%s= requires %s", key, expected);
}

static bool parse_u32(const char *text, uint32_t *ret_number)
{
	uint64_t number;

	if (!value_number(text, &number) || number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static int set_of_command(struct parser *parser, const char *value)
{
	if (parser->fault->site == VFIOSIM_FAULT_COMMAND)
		return complain(parser, "command= is for sites inside of commands");
	return set_command(parser, value, "a command", false);
}

/* Groups that come with mdevs made at run time have numbers nobody knows yet. */
static bool may_have_group(const struct vfiosim_topology *topology, uint32_t number)
{
	if (!topology || topology->n_mdev_types)
		return true;
	for (size_t i = 0; i < topology->n_groups; i++)
		if (topology->groups[i].number == number)
			return true;
	return false;
}

static int set_group(struct parser *parser, const char *value)
{
	parser->fault->of |= VFIOSIM_FAULT_OF_GROUP;
	if (!parse_u32(value, &parser->fault->group))
		return bad_value(parser, "group", "a number");
	if (may_have_group(parser->topology, parser->fault->group))
		return 0;
	return complain(parser, "the machine has no group %u (`vfiosim topology show` lists them)",
			parser->fault->group);
}

static int set_container(struct parser *parser, const char *value)
{
	parser->fault->of |= VFIOSIM_FAULT_OF_CONTAINER;
	return parse_u32(value, &parser->fault->container) ?
		       0 : bad_value(parser, "container", "a number: the how manyth that was opened");
}

static int set_ioas(struct parser *parser, const char *value)
{
	parser->fault->of |= VFIOSIM_FAULT_OF_IOAS;
	return parse_u32(value, &parser->fault->ioas) ? 0 : bad_value(parser, "ioas", "an id");
}

static int set_process(struct parser *parser, const char *value)
{
	parser->fault->of |= VFIOSIM_FAULT_OF_CLIENT;
	return parse_u32(value, &parser->fault->client) ?
		       0 : bad_value(parser, "process", "a number: the how manyth of the machine's");
}

static int unknown_device(struct parser *parser, const char *name)
{
	const struct vfiosim_topology *topology = parser->topology;
	const char *words[WORDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < topology->n_devices && n < WORDS_MAX; i++)
		words[n++] = topology->devices[i].name;
	return unknown(parser, "a device of the topology", name, words, n);
}

/* Addresses may be of devices that come later. */
static int set_device(struct parser *parser, const char *value)
{
	char *to = parser->fault->device;
	int index = parser->topology ? vfiosim_topology_device(parser->topology, value) : -1;
	const char *address = index < 0 ? value : parser->topology->devices[index].address;

	if (index < 0 && parser->topology && !strpbrk(value, ":-"))
		return unknown_device(parser, value);
	if (!*value || strlen(address) >= VFIOSIM_FAULT_NAME_MAX)
		return bad_value(parser, "device", "a device's name or address");
	memcpy(to, address, strlen(address) + 1);
	return 0;
}

static int set_iova(struct parser *parser, const char *value)
{
	static const char expected[] = "FIRST..LAST, both inclusive";
	char *text = strdup(value), *dots = text ? strstr(text, "..") : NULL;
	bool good = false;

	parser->fault->of |= VFIOSIM_FAULT_OF_IOVA;
	if (dots) {
		*dots = 0;
		good = value_number(text, &parser->fault->iova_first) &&
		       value_number(dots + 2, &parser->fault->iova_last);
	}
	free(text);
	return good ? 0 : bad_value(parser, "iova", expected);
}

/* ---- When ---- */

static bool parse_count(const char **at, uint64_t *ret_count)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret_count = strtoull(*at, &end, 10);
	*at = end;
	return !errno && *ret_count;
}

static bool parse_when(const char *text, struct vfiosim_fault_when *when)
{
	if (!parse_count(&text, &when->first))
		return false;
	when->last = when->first;
	if (!strncmp(text, "..", 2)) {
		text += 2;
		if (!parse_count(&text, &when->last))
			return false;
		if (!*text)
			return true;
	} else if (!*text) {
		return true;
	} else {
		when->last = 0;
	}
	if (*text++ != '+')
		return false;
	when->step = 1;
	return !*text || (parse_count(&text, &when->step) && !*text);
}

static int set_when(struct parser *parser, const char *value)
{
	if (parse_when(value, &parser->fault->when))
		return 0;
	return bad_value(parser, "when",
			 "N, N+, FIRST..LAST, N+STEP or FIRST..LAST+STEP, counted from 1");
}

/* ---- What happens ---- */

static int unknown_errno(struct parser *parser, const char *value)
{
	const char *words[WORDS_MAX];

	return unknown(parser, "an errno", value, words,
		       errno_words(words, WORDS_MAX));
}

static int set_error(struct parser *parser, const char *value)
{
	uint32_t number;
	int error = errno_by_word(value);

	if (error > 0)
		parser->fault->error = error;
	else if (parse_u32(value, &number) && number && number <= ERRNO_MAX)
		parser->fault->error = (int)number;
	else
		return unknown_errno(parser, value);
	return 0;
}

static int set_return(struct parser *parser, const char *value)
{
	uint64_t number;

	if (!value_number(value, &number) || number > INT32_MAX)
		return bad_value(parser, "return", "a number");
	parser->fault->returns = true;
	parser->fault->value = (long)number;
	return 0;
}

static int set_delay(struct parser *parser, const char *value)
{
	static const struct {
		const char *unit;
		uint32_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { NULL, 0 } };
	const char *at = value;
	uint64_t count;

	if (parse_count(&at, &count))
		for (size_t i = 0; units[i].unit; i++)
			if (!strcmp(at, units[i].unit) && count <= UINT32_MAX / units[i].ms) {
				parser->fault->delay_ms = (uint32_t)count * units[i].ms;
				return 0;
			}
	return bad_value(parser, "delay", "a time such as 500ms or 2s");
}

static int set_signal(struct parser *parser, const char *value)
{
	const char *name = strncasecmp(value, "SIG", 3) ? value : value + 3;
	const char *words[WORDS_MAX];
	uint32_t number;
	size_t n = 0;

	if (parse_u32(value, &number) && number && number < NSIG) {
		parser->fault->signal = (int)number;
		return 0;
	}
	for (int signal = 1; signal < NSIG; signal++) {
		if (!sigabbrev_np(signal))
			continue;
		if (!strcasecmp(sigabbrev_np(signal), name)) {
			parser->fault->signal = signal;
			return 0;
		}
		words[n++] = sigabbrev_np(signal);
	}
	return unknown(parser, "a signal", name, words, n);
}

/* "FIELD=VALUE", behind "set."; which fields there are is judged later. */
static int set_output(struct parser *parser, const char *field, const char *value)
{
	struct vfiosim_fault *fault = parser->fault;

	if (*fault->set_field)
		return complain(parser, "only one output can be set");
	if (!*field || strlen(field) >= sizeof(fault->set_field))
		return complain(parser, "set.FIELD=VALUE requires the name of an output");
	memcpy(fault->set_field, field, strlen(field) + 1);
	return value && value_number(value, &fault->set_value) ?
		       0 : bad_value(parser, "set.FIELD", "a number");
}

static int set_comm(struct parser *parser, const char *value)
{
	if (!*value || strlen(value) >= sizeof(parser->fault->comm))
		return bad_value(parser, "comm", "a thread's name of 1 to 15 letters");
	memcpy(parser->fault->comm, value, strlen(value) + 1);
	return 0;
}

static int set_page(struct parser *parser, const char *value)
{
	return value_number(value, &parser->fault->page) ?
		       0 : bad_value(parser, "page", "a number, from 0");
}

static int set_force(struct parser *parser, const char *value)
{
	return value_bool(value, &parser->fault->force) ? 0 : bad_value(parser, "force", "yes or no");
}

/* ---- Keys ---- */

static const struct key {
	const char *name;
	int (*set)(struct parser *parser, const char *value);
	bool flag;		/* may stand alone */
} keys[] = {
	{ "command", set_of_command, false },
	{ "group", set_group, false },
	{ "device", set_device, false },
	{ "container", set_container, false },
	{ "ioas", set_ioas, false },
	{ "process", set_process, false },
	{ "comm", set_comm, false },
	{ "iova", set_iova, false },
	{ "when", set_when, false },
	{ "error", set_error, false },
	{ "return", set_return, false },
	{ "delay", set_delay, false },
	{ "signal", set_signal, false },
	{ "page", set_page, false },
	{ "force", set_force, true },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static int unknown_key(struct parser *parser, const char *word)
{
	const char *words[N_KEYS];

	for (size_t i = 0; i < N_KEYS; i++)
		words[i] = keys[i].name;
	return unknown(parser, "a key of a fault", word, words, N_KEYS);
}

/* "KEY=VALUE", which is cut. */
static int set_key(struct parser *parser, char *text, unsigned *seen)
{
	char *value = strchr(text, '=');
	size_t i = 0;

	if (value)
		*value++ = 0;
	if (!strncmp(text, "set.", 4))
		return set_output(parser, text + 4, value);
	while (i < N_KEYS && strcmp(keys[i].name, text))
		i++;
	if (i == N_KEYS)
		return unknown_key(parser, text);
	if (*seen & 1u << i)
		return complain(parser, "%s is given twice", text);
	*seen |= 1u << i;
	if (!value && !keys[i].flag)
		return complain(parser, "%s requires a value: %s=...", text, text);
	return keys[i].set(parser, value ? value : "yes");
}

static bool does_something(const struct vfiosim_fault *fault)
{
	return fault->error || fault->returns || fault->delay_ms || fault->signal ||
	       *fault->set_field;
}

static int parse(struct parser *parser, char *text)
{
	char *rest, *word = strtok_r(text, ",", &rest);
	unsigned seen = 0;
	int ret;

	if (!word)
		return complain(parser, "a fault begins with where it happens: MAP_DMA, map, pin, ...");
	ret = set_site(parser, word + strspn(word, " "));
	while (!ret && (word = strtok_r(NULL, ",", &rest)))
		ret = set_key(parser, word + strspn(word, " "), &seen);
	if (ret)
		return ret;
	if (!does_something(parser->fault))
		return complain(parser, "nothing would happen: give error=, return=, set.FIELD=, "
					"delay= or signal=");
	return fault_judge(parser->fault, parser->problem);
}

int vfiosim_fault_parse(const char *text, const struct vfiosim_topology *topology,
			struct vfiosim_fault *ret_fault, char *problem, size_t size)
{
	struct parser parser = { .fault = ret_fault, .topology = topology };
	char *copy = strdup(text);
	int ret = -ENOMEM;

	*ret_fault = (struct vfiosim_fault){ 0 };
	parser.problem = copy ? fmemopen(problem, size, "w") : NULL;
	if (parser.problem) {
		ret = parse(&parser, copy);
		fclose(parser.problem);
	}
	free(copy);
	return ret;
}
