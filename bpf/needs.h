/* SPDX-License-Identifier: GPL-2.0-only */
/* Which fields of the descriptor the rules of this program look at beyond those that are always filled, and which
 * packets pass without meeting them. */
#ifndef BPF_NEEDS_H
#define BPF_NEEDS_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/packet.h"

/*
 * PACKET_NEEDS_* and PACKET_WITHOUT_*. The loader writes it before the program is loaded; for the verifier it is a
 * constant then, and what is not needed costs nothing.
 */
#ifdef RULESET_PLAIN
static const __u32 packet_needs = 0;
#else
const volatile __u32 packet_needs SEC(".rodata.needs") = 0;
#endif

#endif
