// SPDX-License-Identifier: GPL-2.0-only
/* The neighbour behind a gateway: it drops what arrives before that costs anybody anything. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int sink(struct xdp_md *context)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
