// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XDP program that stays attached: it reads which generation is active and jumps there, so that
 * a commit is one store in "control". libxdp attaches it and may run other programs beside it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

#include "bpf/drop.h"
#include "bpf/programs_xdp.h"
#include "bpf/verifier.h"

/* Early in libxdp's chain; what the firewall lets through goes on to the programs behind it. */
struct {
	__uint(priority, 10);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xdp_entry);

SEC("xdp.frags")
int xdp_entry(struct xdp_md *context)
{
	const struct control *settings = control_find();

	if (!settings)
		return XDP_DROP;
	if (!settings->enabled)
		return XDP_PASS;
	/* Constant slots become direct jumps. */
	if (settings->generation & 1) {
		bpf_tail_call(context, &xdp_programs, XDP_SLOT(1));
		keep_apart(1);
	} else {
		bpf_tail_call(context, &xdp_programs, XDP_SLOT(0));
		keep_apart(0);
	}
	/* Only an empty slot leads here: fail closed. */
	count_drop(DROP_NO_RULESET, bpf_xdp_get_buff_len(context));
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
