/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Never meets a packet, nor is it kept: to load it, libbpf asks the kernel for everything that it asks for to load a
 * ruleset (types of functions and constants, names, attach types, maps in memory), and remembers the answers.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static const volatile int verdict = XDP_PASS;

/* A global function, so that there is one in the types. */
__attribute__((noinline)) int features_verdict(void)
{
	return verdict;
}

SEC("xdp")
int features(struct xdp_md *context)
{
	return features_verdict();
}

char LICENSE[] SEC("license") = "GPL";
