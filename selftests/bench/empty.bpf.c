/* SPDX-License-Identifier: GPL-2.0-only */
/* The least an XDP program can do: what the cost of a ruleset is compared with. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int empty(struct xdp_md *context)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
