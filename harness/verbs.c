/* SPDX-License-Identifier: MIT */
/* What vfiosim can do: its verbs, each in a file of its own. */
#include "cli.h"

static const struct cli_verb *const verbs[] = {
	&run_verb, &sweep_verb, &ctl_verb, &topology_verb, &kernel_verb,
	&case_verb, &explain_verb, &tour_verb, &doctor_verb, &worker_verb, &complete_verb, NULL,
};

const struct cli_verb vfiosim_verb = {
	.name = "",
	.about = "The kernel side of VFIO, simulated: unmodified programs attach devices that you do not have.",
	.verbs = verbs,
	.more = "vfiosim VERB --help tells more; vfiosim --version.\n"
		"To learn what this is about: vfiosim tour\n"
		"A first look: vfiosim run -- sh -c 'ls /dev/vfio; cat $VFIOSIM_STATE'\n",
};
