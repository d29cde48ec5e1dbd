// SPDX-License-Identifier: GPL-2.0-only
/* The slow parser for both directions at TC. */
#include "bpf/frame_tc.h"

#include "bpf/handover.h"
#include "bpf/programs_tc.h"
#include "bpf/slow.h"

SEC("tc")
int tc_slow(struct __sk_buff *context)
{
	return slow(context);
}

char LICENSE[] SEC("license") = "GPL";
