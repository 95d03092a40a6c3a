/* SPDX-License-Identifier: MIT */
/* What `vfiosim sweep` says of a program, and `case sweep` of the simulator: outcomes and defects. */
#include <string.h>

#include "learn/subject.h"
#include "report/lines.h"
#include "sweep/judge.h"

static const struct verdict_words {
	const char *name, *meaning, *more;
} verdicts[] = {
	{ "absorbed", "outcome: the failure made no difference",
	  "The program ends as it does without the fault, and its devices reach the same memory." },
	{ "retried", "outcome: the program made the same call again, which succeeded",
	  "Right for EINTR and EAGAIN, and where the cause may pass. Most other causes do not pass." },
	{ "next-container", "outcome: a device is in another container or ioas that the program had",
	  "QEMU does so: it offers a device to each of its spaces in turn." },
	{ "new-container", "outcome: a device is in a container or ioas that the program made for it then",
	  "The usual answer where a device does not fit into a space that exists." },
	{ "other-iommu-type", "outcome: the program called VFIO_SET_IOMMU with another type",
	  "VFIO_TYPE1_IOMMU after VFIO_TYPE1v2_IOMMU, say." },
	{ "mapping-omitted", "outcome: a space does without a mapping",
	  "Right for a BAR, which only peer-to-peer transfers need. Memory that is left out is the "
	  "defect `silent`, unless --may-omit allows it." },
	{ "device-refused", "outcome: the program goes on without a device",
	  "It ends as it does without the fault." },
	{ "program-failed", "outcome: the program ends otherwise than without the fault",
	  "Often right, if it says why. What it leaves open then is not a leak: the kernel cleans up." },
	{ "not-reached", "no outcome: the fault did not happen in this run",
	  "See `unstable`." },
	{ "silent", "defect: the program ends as if all were well, but an attached device reaches less memory",
	  "The worst of them: the device's DMA fails later, far from the cause. Look at what the program "
	  "does with the answer to its map, or unmap. Regions of devices do not count; --may-omit names "
	  "iovas that may be missing." },
	{ "leak", "defect: a file is left open, or memory left mapped, that is given back without the fault",
	  "At the program's exit, or at a mark. Look at the error path: it does not undo what came "
	  "before the call that failed." },
	{ "crash", "defect: a signal such as SIGSEGV ended the program",
	  "The trace that --defects keeps ends with the last call before it." },
	{ "abort", "defect: the program aborted itself (SIGABRT), in an assertion perhaps",
	  "A failure that the kernel can give is not a bug of the program, so an assertion is the wrong answer." },
	{ "hang", "defect: the program made no call and did not end until --timeout had passed",
	  "Waiting for something that the failed call was to bring, perhaps." },
	{ "expectation", "defect: an expectation of --expect does not hold in this run",
	  "`never:` and `at: exit` have to hold whatever fails." },
	{ "retry-forever", "defect: the program repeated a call more than 1,000 times",
	  "A cause that stays is taken for one that passes." },
	{ "unstable", "no verdict: the point was not reached again in this run",
	  "The program's calls differ from run to run: threads, time, addresses. --max-unstable says how "
	  "many of these are accepted." },
	{ "changed", "defect, of `vfiosim case sweep` alone: the refused command changed something",
	  "The simulator's: a command that is refused has to leave the machine as it was." },
	{ "unbalanced", "defect, of `vfiosim case sweep` alone: something is left when all processes have exited",
	  "The simulator's: pages pinned, memory charged, or objects that nothing holds any more." },
	{ "broken", "defect, of `vfiosim case sweep` alone: the same case does not pass on the same machine afterwards",
	  "The simulator's: the failure has left something behind." },
};
#define N_VERDICTS (sizeof(verdicts) / sizeof(verdicts[0]))

static const char *verdict_word(size_t index, const char **ret_about)
{
	*ret_about = index < N_VERDICTS ? verdicts[index].meaning : NULL;
	return index < N_VERDICTS ? verdicts[index].name : NULL;
}

static bool tell(struct subject_context *context, const char *word)
{
	for (size_t i = 0; i < N_VERDICTS; i++) {
		if (strcmp(verdicts[i].name, word))
			continue;
		lines_putf(context->to, 0, "", "%s: %s", word, verdicts[i].meaning);
		lines_put(context->to, 4, "", verdicts[i].more);
		fputs("  see      vfiosim sweep --help, vfiosim case sweep --help, and vfiosim(1)\n", context->to);
		return true;
	}
	return false;
}

const struct subject_kind subject_verdicts = {
	.name = "verdicts", .about = "what a sweep says of a program", .tell = tell, .word = verdict_word,
};
