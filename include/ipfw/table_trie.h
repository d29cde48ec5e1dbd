/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trie that holds the addresses of a table, IPv4 or IPv6: an array map of cache lines, which userland writes
 * (maps/table_trie.h) while programs search it (bpf/table_address.h).
 *
 * Lines are, in this order: the header; the buckets of a hash of all entries, for userland; the entries; the heap, with
 * nodes, leaves and rows. Addresses are numbers of 32 or 128 bits; below, an address is its first 64 bits in `high` and
 * the others in `low`, IPv4's in the upper half of `high`.
 *
 * A step says where a search goes on: at a leaf, at a node, or (0) nowhere.
 *
 *	leaf	bits  0..28	its place, in units of 8 bytes
 *		bits 29..30	it has up to 1, 2, 4 or 8 of them: struct trie_leaf, the longest prefixes first
 *	node	bits  0..23	line of its head; its slots begin in the next line
 *		bit  24		it has cells in place of slots, for which see the head
 *		bit  25		it skips bits: those in the head have to be compared
 *		bits 26..30	number of bits that choose one of its slots
 *		bit  31		set
 *
 * Prefixes that end in the bits of a node are in the cover of all slots that they include; a slot has the longest.
 * Those that end behind them are below the slot's step. Where most slots would lead to leaves, the node has
 * cells: lines that are slot and leaf at once, so that a search touches one line where it would touch two. The covers
 * of all cells are an array of their own, behind the head. An entry is referred to by its index and the length of its
 * prefix.
 *
 * Behind the cells of a large node of IPv4 there are digests, half a line for two neighbouring cells, of all entries
 * that are below these, in the cells or further down. That is enough to say whether there is an entry, whichever that
 * is: of a million entries the digests stay in a processor's cache where the cells do not. Two cells have room for
 * each other's entries, so that hardly a digest is too small. It is written behind all else.
 *
 * Packets see each change as one store, of a word of 32 bits or of an entry in a cell: what a leaf or several covers of
 * a node are to hold is written to a new place, and the step there is stored last. Old places are used again when no
 * packet looks at them.
 *
 * The index of an entry (1 and up) stays the same as long as the entry is in the table, also when the table moves to
 * larger maps, is swapped or edited, and none is larger than `capacity`: other arrays may hold more about the entries
 * by it. It is what trie_search() finds for a packet.
 */
#ifndef IPFW_TABLE_TRIE_H
#define IPFW_TABLE_TRIE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define TRIE_LINE 64
#define TRIE_INDEX_MAX 0xffffffu /* of an entry */
#define TRIE_LEAF_MAX 8		 /* entries in a leaf */
#define TRIE_LEAF_CLASSES 4
#define TRIE_BITS_MIN 4 /* of a node that splits a leaf */
#define TRIE_BITS_MAX 20
/*
 * Nodes on the way to a leaf at most: each takes TRIE_BITS_MIN bits or more, the last one maybe fewer, and in front of
 * each there may be one that takes fewer (maps/table_trie_link.c).
 */
#define TRIE_LEVELS 53
#define TRIE_RETIRED_MAX 128

#define TRIE_NODE 0x80000000u
#define TRIE_SKIP 0x02000000u
#define TRIE_CELLS 0x01000000u
#define TRIE_STEP_LINE(step) ((step)&0xffffffu)
#define TRIE_STEP_BITS(step) ((step) >> 26 & 31)
#define TRIE_STEP_PLACE(step) ((step)&0x1fffffffu)
#define TRIE_STEP_LEAF_CLASS(step) ((step) >> 29 & 3)
#define TRIE_NODE_STEP(line, bits, flags) (TRIE_NODE | (flags) | (__u32)(bits) << 26 | (line))
#define TRIE_LEAF_STEP(place, class) ((place) | (__u32)(class) << 29)

#define TRIE_REFERENCE(index, bits) ((index) | (__u32)(bits) << 24)
#define TRIE_SOME TRIE_REFERENCE(TRIE_INDEX_MAX, 0) /* stands for some entry, not known which */
#define TRIE_REFERENCE_INDEX(reference) ((reference)&TRIE_INDEX_MAX)
#define TRIE_REFERENCE_BITS(reference) ((reference) >> 24)

struct trie_leaf {
	__u32 key;	 /* the 32 bits of the address behind those that have led to the leaf */
	__u32 reference; /* 0: no more */
};

struct trie_slot {
	__u32 step;
	__u32 cover; /* a reference, 0: none */
};

#define TRIE_CELL_MAX 7 /* entries in a cell */
struct trie_cell {
	__u32 step; /* not 0: the entries are there, and what is here does not count */
	__u32 reserved;
	struct trie_leaf entries[TRIE_CELL_MAX]; /* in no order; read and written as 64 bits; reference 0: none */
};

/*
 * Cells of IPv6. Where a key and its reference change, the key is 0 meanwhile: who finds the same reference twice in a
 * row behind a key that includes the address, has found what belongs together.
 */
#define TRIE_WIDE_CELL_MAX 5
struct trie_wide_cell {
	__u32 step; /* as above */
	__u32 references[TRIE_WIDE_CELL_MAX];
	/*
	 * In no order: the 63 bits behind those that have chosen the cell, as far as they are of the prefix, a bit that
	 * is set, zeros. 0: no entry. If the bit is the last one the prefix may be longer: see the entry.
	 */
	__u64 keys[TRIE_WIDE_CELL_MAX];
};
#define TRIE_WIDE_CELL_BITS 63

#define TRIE_DIGEST_BITS 17 /* nodes of so many bits and more have digests: then 15 bits are left behind them */
#define TRIE_DIGEST_MAX 15  /* entries in a digest */
#define TRIE_DIGEST_LOST 0xffffu
struct trie_digest {
	__u16 missing; /* number of entries for which there was no room, or TRIE_DIGEST_LOST; not 0: look at the cell */
	/* In no order: the bits behind those that have chosen the digest, a bit that is set, zeros; 0: none. */
	__u16 entries[TRIE_DIGEST_MAX];
};
#define TRIE_DIGESTS (TRIE_LINE / (__u32)sizeof(struct trie_digest)) /* in a line */
/* How many of a node's bits choose the digest; the line of the digest with a number, from the first cell on. */
#define TRIE_DIGEST_CHOICE(bits) ((bits) > TRIE_DIGEST_BITS ? (bits)-1 : (bits))
#define TRIE_DIGEST_LINE(bits, number) ((1u << (bits)) + (number) / TRIE_DIGESTS)

/* One line. All entries below the node begin with the first `depth` bits of an address. */
struct trie_node {
	__u64 high, low; /* the other bits are 0 */
	__u32 depth;
	__u32 cells; /* line of the first cell; the covers of all cells are in the lines behind this one */
	__u32 reserved[10];
};
#define TRIE_LINE_WORDS (TRIE_LINE / (__u32)sizeof(__u32))
#define TRIE_COVER(step, number)                                                                                       \
	((TRIE_STEP_LINE(step) + 1) * TRIE_LINE_WORDS + (number)) /* word with a cell's cover */

/*
 * What an entry holds, and what it is; read and written as 64 bits. Most entries hold one number: for all kinds or for
 * one only, the others 0. What more of them hold is in rows: lines with a struct table_record, [0] of whose numbers is
 * the next row.
 */
struct trie_held {
	__u32 value; /* the number, or the line of the row */
	__u8 form;   /* the kind of the number (enum table_value), TRIE_HOLDS_ALL, TRIE_HOLDS_ROW */
	__u8 bits;   /* length of the prefix */
	__u8 used;   /* 0: no entry has this index */
	__u8 reserved;
} __attribute__((aligned(8)));
#define TRIE_HOLDS_ROW 0
#define TRIE_HOLDS_ALL 0xff
#define TRIE_HELD_FORM(word) ((__u32)((word) >> 32) & 0xff) /* of one as 64 bits */

/* IPv4: 16 bytes, four in a line; IPv6: 32 bytes, two in a line. The first line has index 0, which is not used. */
struct trie_entry {
	struct trie_held held;
	__u32 next;	  /* of the entries in a bucket of the hash, 0: none */
	__u32 address[1]; /* four of IPv6; host order, the most significant word first, host bits 0 */
};
#define TRIE_ENTRY_SHIFT(wide) ((wide) ? 5 : 4) /* logarithm of its size */

/* Which free place a list holds: leaves by class; indexes of entries; nodes, cells, heads with covers by bits. */
enum trie_class {
	TRIE_CLASS_LEAF,
	TRIE_CLASS_ENTRY = TRIE_CLASS_LEAF + TRIE_LEAF_CLASSES,
	TRIE_CLASS_LINE, /* one: a row */
	TRIE_CLASS_NODE,
	TRIE_CLASS_CELLS = TRIE_CLASS_NODE + TRIE_BITS_MAX + 1,
	TRIE_CLASS_COVERS = TRIE_CLASS_CELLS + TRIE_BITS_MAX + 1,
	TRIE_CLASSES = 72
};

/* Read and written as 64 bits. */
struct trie_root {
	__u32 step;
	__u32 cells; /* line of the first cell of a root that has cells and skips nothing: its head need not be asked */
};

struct trie_header {
	/* read by programs: one line */
	struct trie_root root __attribute__((aligned(8)));
	struct trie_held held; /* `used': all entries hold this; else see each of them */
	__u32 entries;	       /* the first line of entries */
	__u32 wide;	       /* 1: IPv6 */
	__u32 reserved[10];
	/* of userland */
	__u32 buckets;	  /* the first line of buckets, u32 each: the index of the first entry in it, 0: none */
	__u32 hash_bits;  /* there are 2^hash_bits of them */
	__u32 capacity;	  /* entries: indexes 1..capacity */
	__u32 count;	  /* of entries */
	__u32 used_index; /* indexes up to here have been used, others never */
	__u32 heap_end;	  /* lines up to here, exclusively, have been used */
	__u32 lines;	  /* of the map */
	__u32 rows;	  /* the row made last, 0: none */
	__u32 pending;	  /* index of an entry that is being added, with TRIE_REMOVE: removed; 0: none */
	__u32 retired_count;
	__u32 unlinked; /* 1: the tree has not been made (only in images) */
	__u32 reserved2[5];
	__u32 free[TRIE_CLASSES]; /* places or indexes that can be used again: the first, whose first word is the next
				   */
	/* likewise, but packets may still look at them: class and place */
	struct {
		__u32 class;
		__u32 place;
	} retired[TRIE_RETIRED_MAX];
};
#define TRIE_REMOVE 0x80000000u
#define TRIE_HEADER_LINES 23

#endif
