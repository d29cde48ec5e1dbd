/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact stretches: rules that ask for the same bits of a packet, and differ in the values that they want, as hash
 * tables. They lie in the image of the classifier (include/ipfw/classifier.h), which the loader fills
 * (loader/compile/exact.h) and programs search (bpf/exact.h).
 *
 * A table takes the line of a stretch's roots for a kind of packet, or the one that `next` names. Its hash is perfect
 * ("hash, displace, and compress": Belazzougui, Botelho, Dietzfelbinger, ESA 2009): the keys are hashed into small
 * buckets, each of which has a displacement that leads its keys to slots which no others have. So a search touches a
 * displacement and one slot, whatever the keys, and compares once.
 */
#ifndef IPFW_EXACT_H
#define IPFW_EXACT_H

#include <stddef.h>

#include "ipfw/classifier.h"
#include "ipfw/packet.h"

/* The words of struct packet that keys are made of, as they stand in memory. */
enum exact_word {
	EXACT_SOURCE = offsetof(struct packet, source) / 4,
	EXACT_DESTINATION = offsetof(struct packet, destination) / 4,
	EXACT_PORTS = offsetof(struct packet, source_port) / 4,
	EXACT_VIA = offsetof(struct packet, interface) / 4,
	EXACT_RECV = offsetof(struct packet, receive_interface) / 4,
	EXACT_XMIT = offsetof(struct packet, transmit_interface) / 4,
	EXACT_HEAD = offsetof(struct packet, family) / 4,
	EXACT_PACKET_WORDS = 16, /* a power of two */
};

_Static_assert(sizeof(struct packet) >= 4 * EXACT_PACKET_WORDS, "any of the words may be read");

#define EXACT_WORDS 5  /* of a key at most */
#define EXACT_TABLES 4 /* of a stretch and kind of packet at most */
#define EXACT_LOAD 80  /* percent of the slots that are used, about */
#define EXACT_BUCKET 4 /* keys in a bucket, about */
#define EXACT_SLOTS_PER_LINE (CLASSIFIER_LINE / sizeof(struct exact_slot))
#define EXACT_DISPLACEMENTS_PER_LINE (CLASSIFIER_LINE / 2)

/* What is known of the rule that a key leads to, besides its tests: none is left then. */
enum exact_kind {
	EXACT_VERDICT, /* the search ends with `result` */
	EXACT_COUNT,   /* no other rule in the table has the key; the counter slot is in `result` */
	EXACT_SKIPTO,  /* likewise; goes on at the position that is the argument of `result` */
	EXACT_WALK,    /* anything else: the stretch must be walked through */
};

/* A line. Packets that differ from head_value or ports_value in bits that are masked are none of the table's. */
struct exact_table {
	__u32 slots; /* number of the first line, as the following */
	__u32 displacements;
	__u32 next;  /* line of another table, 0: none */
	__u32 count; /* slots, 0: no packet is any of the table's */
	__u32 mask[EXACT_WORDS];
	__u8 word[EXACT_WORDS]; /* enum exact_word; what is not needed has no mask */
	__u8 words;
	__u8 bucket_shift; /* of the hash */
	__u8 unused;
	__u32 head_value, head_mask; /* of the word EXACT_HEAD */
	__u32 ports_value, ports_mask;
};

_Static_assert(sizeof(struct exact_table) <= CLASSIFIER_LINE, "a table takes one line");

struct exact_slot {
	__u32 key[EXACT_WORDS];
	__u32 rule;   /* its position in bits 0..19, CLASSIFIER_NONE: none; enum exact_kind in bits 24..31 */
	__u64 result; /* as struct dispatch has it */
};

#define EXACT_RULE(index, kind) ((__u32)(index) | (__u32)(kind) << 24)
#define EXACT_KIND(rule) ((rule) >> 24)

_Static_assert(sizeof(struct exact_slot) == CLASSIFIER_LINE / 2, "two to a line");

/*
 * The hash of a key: multiply-shift for vectors (Dietzfelbinger 1996), of which the upper bits are good. A key of one
 * word may be hashed without the others, which are 0.
 */
static inline __attribute__((always_inline)) __u64 exact_hash_word(__u32 word, unsigned int place)
{
	static const __u64 multipliers[EXACT_WORDS] = {0x9e3779b97f4a7c15ull, 0xc2b2ae3d27d4eb4full,
						       0x165667b19e3779f9ull, 0xd6e8feb86659fd93ull,
						       0xa0761d6478bd642full};

	return word * multipliers[place];
}

static inline __attribute__((always_inline)) __u32 exact_bucket(__u64 hash, __u32 bucket_shift)
{
	return (__u32)(hash >> (bucket_shift & 63));
}

/* The slot, below `count`, of a key in a bucket with that displacement. */
static inline __attribute__((always_inline)) __u32 exact_place(__u64 hash, __u16 displacement, __u32 count)
{
	hash += displacement * 0xbf58476d1ce4e5b9ull;
	hash ^= hash >> 32;
	hash *= 0x94d049bb133111ebull;
	return (__u32)((hash >> 32) * count >> 32);
}

#endif
