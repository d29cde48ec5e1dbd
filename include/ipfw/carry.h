/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet takes along when it leaves the rules: its routing table (`setfib`), and from input to output its tags.
 * The runtime and the compiler agree on it here.
 *
 * Bits of skb->mark, which the kernel keeps with a packet from input to output, through fragmentation and tunnels:
 *
 *   0..15   not ours
 *   16..23  routing table, 0: the main one (`setfib`, `fib`; also what an application sets by SO_MARK)
 *   24..31  packet.tags, bits 0..7: tags that rules on input put on and rules on output look at
 *
 * A program changes only the bits that its rules ask for. If more tags cross than have room there, or such as rules
 * take out of tables, they stay in front of the packet (struct packet_marks in maps/layout.h).
 */
#ifndef IPFW_CARRY_H
#define IPFW_CARRY_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CARRY_FIB_SHIFT 16
#define CARRY_FIB_MAX 255
#define CARRY_FIB_MASK 0x00ff0000u
#define CARRY_TAGS_SHIFT 24
#define CARRY_TAGS_MAX 8

/* A ruleset program's part in it. The loader writes it before the program is loaded, as packet_needs. */
struct carry {
	__u64 tags;	   /* bits of packet.tags that cross from input to output */
	__u32 mark_mask;   /* bits of skb->mark that packets which this program lets through are given */
	__u32 by_metadata; /* not 0: the tags cross in front of the packet, as CARRY_BITS or CARRY_NUMBERS */
};
#define CARRY_BITS 1
#define CARRY_NUMBERS 2 /* PACKET_TAG() in ipfw/packet.h */

/* The bits of skb->mark, of which carry.mark_mask says which count. */
#define CARRY_MARK(fib, tags) (((__u32)(fib) << CARRY_FIB_SHIFT & CARRY_FIB_MASK) | (__u32)(tags) << CARRY_TAGS_SHIFT)

#endif
