/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image of a classifier, which the loader writes (loader/compile/classifier.h) and programs search
 * (bpf/classifier.h): what many rules ask of a packet's addresses, ports, head and interfaces, as data.
 *
 * It lies in an array map of one element, or in one whose elements are cache lines. First come the roots, one line for
 *each stretch of rules and kind of packet; they lead into trees, whose leaves are records. A step is one 64-bit word
 *that says where to go on:
 *
 *	bits  0..23	place in the image, in units of 8 bytes
 *	bits 24..43	lowest rule index that can be found behind it, CLASSIFIER_NONE: there is nothing
 *	of a node:
 *	bits 44..47	the key that chooses between its children,
 *	bits 48..52	shifted right by so many bits, and
 *	bits 53..56	of which so many bits count: child (key >> shift) mod 2^bits is the step of that number at the
 *place of a leaf: bits 44..62	number of records at the place, in the order of their rules bit  63		set
 *
 * Records say all that is asked, so a packet may well be led to rules that it does not match.
 */
#ifndef IPFW_CLASSIFIER_H
#define IPFW_CLASSIFIER_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CLASSIFIER_LINE 64	 /* bytes */
#define CLASSIFIER_LINE_UNITS 8	 /* of 8 bytes, which places are counted in */
#define CLASSIFIER_TREES 8	 /* steps in the line of roots, by their lowest index; the first empty one is the end */
#define CLASSIFIER_DEPTH 4	 /* nodes from a root to a leaf at most */
#define CLASSIFIER_BITS 15	 /* of a node at most */
#define CLASSIFIER_NONE 0xfffffu /* no rule; indexes are lower */
#define CLASSIFIER_PLACES (1u << 24)   /* units of 8 bytes in an image at most */
#define CLASSIFIER_RECORDS (1u << 19)  /* in one leaf, one less at most */
#define CLASSIFIER_INTERFACE_MAX 65535 /* the highest interface index that a record can hold */

/* What programs know of the image and of what belongs to it, as constants. */
struct classifier_constants {
	__u32 lines, units; /* of the image; 0: it is in the map "classifier", by lines */
	__u32 front;	    /* the stretch that ruleset_front() asks, */
	__u32 front_end;    /* which has the rules up to there (0: there is none), and */
	__u32 front_exact;  /* is an exact one (exact.h) */
};

/* Kinds of packet, which have roots of their own. */
enum classifier_family { CLASSIFIER_OTHER, CLASSIFIER_IP4, CLASSIFIER_IP6, CLASSIFIER_FAMILIES };

/* The line of a stretch's roots for a kind of packet. */
#define CLASSIFIER_ROOTS(stretch, family) ((stretch)*CLASSIFIER_FAMILIES + (family))

/* The keys of a packet: 32-bit words in host order. */
enum classifier_key {
	CLASSIFIER_SOURCE, /* an IPv4 address, or the first word of an IPv6 address */
	CLASSIFIER_DESTINATION,
	CLASSIFIER_SOURCE_PORT,
	CLASSIFIER_DESTINATION_PORT,
	CLASSIFIER_PROTOCOL,
	CLASSIFIER_VIA,
	CLASSIFIER_RECV,
	CLASSIFIER_XMIT,
	CLASSIFIER_ZERO,     /* 0 */
	CLASSIFIER_HEAD,     /* the four bytes from packet.family on, family first: no node looks at it */
	CLASSIFIER_SOURCE_1, /* the other words of IPv6 addresses */
	CLASSIFIER_DESTINATION_1 = CLASSIFIER_SOURCE_1 + 3, /* likewise */
	CLASSIFIER_KEYS = 16,
};

/* What a step says. */
#define CLASSIFIER_STEP_PLACE(step) ((__u32)(step)&0xffffffu)
#define CLASSIFIER_STEP_FIRST(step) ((__u32)((step) >> 24) & 0xfffffu)
#define CLASSIFIER_STEP_KEY(step) ((__u32)((step) >> 44) & 15)
#define CLASSIFIER_STEP_SHIFT(step) ((__u32)((step) >> 48) & 31)
#define CLASSIFIER_STEP_BITS(step) ((__u32)((step) >> 53) & 15)
#define CLASSIFIER_STEP_RECORDS(step) ((__u32)((step) >> 44) & 0x7ffff)
#define CLASSIFIER_STEP_LEAF(step) ((__s64)(step) < 0)

#define CLASSIFIER_EMPTY ((__u64)CLASSIFIER_NONE << 24)
#define CLASSIFIER_NODE(place, first, key, shift, bits)                                                                \
	((__u64)(place) | (__u64)(first) << 24 | (__u64)(key) << 44 | (__u64)(shift) << 48 | (__u64)(bits) << 53)
#define CLASSIFIER_LEAF(place, first, records)                                                                         \
	((__u64)(place) | (__u64)(first) << 24 | (__u64)(records) << 44 | (__u64)1 << 63)

/*
 * The tests that all records have. Ports are in host order. The uppermost bytes of three words make up what becomes of
 * the packet, so that for most rules nothing else need be read: CLASSIFIER_RESULT(), its lowest byte first. It is 0 if
 * that cannot be said so briefly, and the map "dispatch" tells.
 */
struct classifier_common {
	__u16 source_low, source_high; /* inclusive, as the following */
	__u16 destination_low, destination_high;
	__u32 head_value, head_mask; /* bits 0..23: of CLASSIFIER_HEAD. The family is that of the tree */
	__u32 index;		     /* the rule's, and in bits 20..23 the key that must be `interface` */
	__u16 interface;
	__u16 shifts4; /* IPv4: insignificant bits of the source, of the destination in bits 8..15 */
};

#define CLASSIFIER_HEAD_BITS 24 /* of head_value, head_mask that are compared */
#define CLASSIFIER_INDEX(word) ((word)&0xfffffu)
#define CLASSIFIER_INTERFACE_KEY(word) ((word) >> 20 & 15)
#define CLASSIFIER_RULE(index, key) ((index) | (__u32)(key) << 20)

/* A match result (verdict.h) without argument, in 24 bits; those of verdict and slot at most. 0: none. */
#define CLASSIFIER_VERDICT_BITS 6
#define CLASSIFIER_SLOT_BITS 18
#define CLASSIFIER_RESULT(verdict, slot) ((__u32)(verdict) << CLASSIFIER_SLOT_BITS | (slot))
#define CLASSIFIER_RECORD_RESULT(common)                                                                               \
	((common)->head_value >> 24 | ((common)->head_mask >> 24) << 8 | ((common)->index >> 24) << 16)
#define CLASSIFIER_RESULT_VERDICT(result) ((result) >> CLASSIFIER_SLOT_BITS)
#define CLASSIFIER_RESULT_SLOT(result) ((result) & ((1u << CLASSIFIER_SLOT_BITS) - 1))

/* For all packets that are not IPv6. Addresses in host order. */
struct classifier_record4 {
	__u32 source, destination;
	struct classifier_common common;
};

struct classifier_record6 {
	__u32 source[4], destination[4];
	__u8 source_shift[4], destination_shift[4]; /* insignificant bits of each word, 32: all */
	struct classifier_common common;
};

#define CLASSIFIER_UNITS4 4 /* of 8 bytes in a record */
#define CLASSIFIER_UNITS6 8

_Static_assert(sizeof(struct classifier_record4) == 8 * CLASSIFIER_UNITS4, "two to a line");
_Static_assert(sizeof(struct classifier_record6) == 8 * CLASSIFIER_UNITS6, "one to a line");

#endif
