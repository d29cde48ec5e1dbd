/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rulesets of which the first rule decides about every packet, such as `allow ip from any to any out': a packet that is
 * whole is counted, and no descriptor is made of it. What is not ordinary takes the usual way, which ends the same or
 * with a packet that is dropped as malformed.
 */
#ifndef BPF_SETTLED_H
#define BPF_SETTLED_H

#include <linux/types.h>
#include <stdbool.h>

#include "bpf/count.h"
#include "bpf/parse_fast.h"

/*
 * MATCH_RESULT() of that rule, which allows or denies; 0: there is none. The loader writes it before the program is
 * loaded, for rules that need and carry nothing (loader/compile/rest.c).
 */
const volatile __u64 settled SEC(".rodata.settled") = 0;

/* Whether that is all for this frame, which leaves by `transmit`; it is counted then, and `settled` tells its fate. */
static __always_inline bool settle_leaving(hook_context *context, __u32 transmit)
{
	const struct interface_entry *interface;
	struct packet packet = {};

	if (!settled)
		return false;
	interface = interface_find(transmit);
	if (!interface || !parse_fast(context, interface, false, 0, &packet))
		return false;
	count_rule(&packet, MATCH_SLOT(settled));
	return true;
}

#endif
