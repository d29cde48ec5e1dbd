// SPDX-License-Identifier: GPL-2.0-only
/* The slow parser for incoming packets at XDP. */
#include "bpf/frame_xdp.h"

#include "bpf/handover.h"
#include "bpf/programs_xdp.h"
#include "bpf/slow.h"

SEC("xdp")
int xdp_slow(struct xdp_md *context)
{
	return slow(context);
}

char LICENSE[] SEC("license") = "GPL";
