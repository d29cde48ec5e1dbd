/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a rule with `log` keeps of a packet that it matched: one record in the ring buffer "log_records"
 * (maps/layout.h), written before the action is performed.
 */
#ifndef IPFW_LOG_RECORD_H
#define IPFW_LOG_RECORD_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "ipfw/packet.h"

#define LOG_RING_BYTES (256 * 1024)
#define LOG_CAPTURE_BYTES 128 /* a power of two */

struct log_record {
	__u64 time;		       /* CLOCK_MONOTONIC in nanoseconds */
	__u32 slot;		       /* counter slot of the rule */
	__u16 rule;		       /* its number */
	__u16 action;		       /* enum action_code */
	__u32 argument;		       /* of the action, as in struct action */
	__u16 extra;		       /* likewise */
	__u16 destinations;	       /* LOG_TO_*, 0: the rule names none */
	__u32 limit;		       /* this record is the last of so many, until the count is reset; 0: it is not */
	__u32 captured;		       /* bytes that follow at the end */
	struct packet packet;	       /* as the rule saw it; what no rule asks for is 0 (PACKET_NEEDS_*) */
	__u8 bytes[LOG_CAPTURE_BYTES]; /* the packet from its IP header on, or the frame if packet.layer2 */
};

/*
 * record.action beyond the actions: a rule could not make a state for the packet. `argument` is how many states there
 * are, `extra` the LIMIT_* (ipfw/rule.h) that the rule counts by; nothing is captured. At most one a second.
 */
#define LOG_REFUSED_LIMIT 0xff00   /* the limit of the rule */
#define LOG_REFUSED_STATES 0xff01  /* net.inet.ip.fw.dyn_max */
#define LOG_REFUSED_PARENTS 0xff02 /* net.inet.ip.fw.dyn_parent_max */

/* The scalars that generated code hands to the runtime: the rule, and its action. */
#define LOG_RULE(slot, number, destinations) ((__u64)(destinations) << 48 | (__u64)(number) << 32 | (__u64)(slot))
#define LOG_RULE_SLOT(rule) ((__u32)(rule))
#define LOG_RULE_NUMBER(rule) ((__u16)((rule) >> 32))
#define LOG_RULE_DESTINATIONS(rule) ((__u16)((rule) >> 48))
#define LOG_ACTION(code, extra, argument) ((__u64)(argument) << 32 | (__u64)(extra) << 16 | (__u64)(code))
#define LOG_ACTION_CODE(action) ((__u16)(action))
#define LOG_ACTION_EXTRA(action) ((__u16)((action) >> 16))
#define LOG_ACTION_ARGUMENT(action) ((__u32)((action) >> 32))

/* Likewise of a rule that makes states: its number, and the LIMIT_* that it counts by. */
#define STATE_ORDER(number, fields) ((__u32)(number) << 16 | (__u32)(fields))
#define STATE_ORDER_NUMBER(order) ((__u16)((order) >> 16))
#define STATE_ORDER_FIELDS(order) ((__u32)(order)&0xffff)

#endif
