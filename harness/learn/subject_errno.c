/* SPDX-License-Identifier: MIT */
/* Errnos: every rule, of any command, that answers so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/trace.h>

#include "base/errnos.h"
#include "case/evidence.h"
#include "learn/subject.h"
#include "report/lines.h"

/* What VFIO means by an errno that many commands give. */
static const struct {
	int error;
	const char *meaning;
} meanings[] = {
	{ EINVAL, "The arguments or the order of the calls: a size, an alignment, a flag; an iova that is "
		  "reserved or beyond the aperture; a group in the wrong state." },
	{ EFAULT, "Memory: a page that the call needs is not there, or cannot be pinned." },
	{ ENOMEM, "Usually the limit of locked memory (`ulimit -l`), seldom memory itself." },
	{ ENOSPC, "No room: the container has as many mappings as it may have, or the answer needs a "
		  "larger buffer." },
	{ EBUSY, "Something is in use: a group that is open, a container with mappings, a device another "
		 "program has." },
	{ EEXIST, "The iovas are mapped already." },
	{ EPERM, "A right is missing, or the group is not viable: a device of it is bound to a driver of "
		 "the host." },
	{ ENODEV, "There is no such device, or it is not bound to a vfio driver." },
	{ ENOTTY, "This kind of file does not know the command, in this state or this Linux: on a "
		  "container before SET_IOMMU most are unknown." },
	{ ENOENT, "No object has that id, or nothing is mapped there." },
	{ EADDRINUSE, "iommufd: what is mapped lies where a device that joins has reserved iovas, or where "
		      "its IOMMU cannot translate." },
	{ ERANGE, "A mapping lies beyond what the IOMMU of a device that joins can translate." },
	{ EMSGSIZE, "The buffer is too small: the answer says how large it must be. Ask again." },
	{ EOPNOTSUPP, "Not offered: by this kernel, this device or this IOMMU." },
	{ E2BIG, "The structure is longer than this kernel knows, and what it does not know is not zero." },
	{ EBADF, "A descriptor among the arguments is not open." },
	{ EBADFD, "A descriptor among the arguments is open, but of another kind." },
};

int subject_errno(const char *word)
{
	char *end;
	long number = strtol(word, &end, 10);

	if (*end || end == word)
		number = errno_by_word(word);
	number = number < 0 && *end == 0 && end != word ? -number : number;
	return number > 0 && number < 4096 && strerrorname_np((int)number) ? (int)number : 0;
}

static const char *errno_word(size_t index, const char **ret_about)
{
	if (index >= sizeof(meanings) / sizeof(meanings[0]))
		return NULL;
	*ret_about = meanings[index].meaning;
	return strerrorname_np(meanings[index].error);
}

/* Commands one after the other, each with its rules. */
static void tell_by_command(struct subject_context *context, int error)
{
	const struct evidence *evidence = subject_evidence(context);

	for (size_t i = 0; evidence && i < evidence->n; i++) {
		const struct shown *shown = &evidence->list[i];
		size_t before = 0;

		while (before < i && (evidence->list[before].error != error ||
				      strcmp(evidence->list[before].verb, shown->verb)))
			before++;
		if (shown->error != error || before < i)
			continue;
		fprintf(context->to, "  %s\n", shown->verb);
		subject_tell_rules(context, shown->verb, error);
	}
}

static bool tell(struct subject_context *context, const char *word)
{
	int error = subject_errno(word);

	if (!error)
		return false;
	fprintf(context->to, "%s, errno %d: %s\n", strerrorname_np(error), error, strerror(error));
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == error)
			lines_put(context->to, 4, "", meanings[i].meaning);
	tell_by_command(context, error);
	return true;
}

const struct subject_kind subject_errnos = {
	.name = "errnos", .about = "what an answer means", .tell = tell, .word = errno_word,
};
