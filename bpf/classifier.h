/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Searches the image of a classifier (include/ipfw/classifier.h) for the rules that a packet may match, in their order.
 *
 * What costs is the cache lines that are touched: one for the roots, one for each node on the way, those of a leaf's
 * records. A tree that has nothing below the best rule found so far is not entered, or left half-way.
 */
#ifndef BPF_CLASSIFIER_H
#define BPF_CLASSIFIER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/classifier.h"
#include "ipfw/packet.h"

struct classifier_line {
	__u64 units[CLASSIFIER_LINE / 8];
};

/* Constants for the verifier, written by the loader. */
const volatile struct classifier_constants classifier_constants SEC(".rodata.classifier");

/*
 * The image: in one element, which the loader makes as large as it takes, so that each of its places is a look-up and
 * an addition away; if that is too large for the kernel, its lines are elements (classifier_constants.lines is 0 then).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct classifier_line);
} classifier SEC(".maps");

/* What a packet is like: enum classifier_key. */
struct classifier_keys {
	__u32 key[CLASSIFIER_KEYS];
};

/*
 * A search that goes on where it stopped. It holds for one packet in one stretch, as long as its keys do not change.
 * Kept small: the chain of calls from a program down to the records of a long leaf must fit in 512 bytes of stack, each
 * call rounded up to 32 (kernel 6.1).
 */
struct classifier_walk {
	struct classifier_keys keys;
	__u64 steps[CLASSIFIER_TREES]; /* where to go on in each tree */
};

/* A search over records of a leaf. */
struct classifier_scan {
	const struct classifier_keys *keys;
	__u32 place;   /* of the next record */
	__u32 records; /* that are left */
	__u32 from;    /* the lowest index that counts */
	__u32 best;    /* the lowest that is not looked for any more: in the end the one found */
};

/* Lines of records that are searched without a call. */
#define CLASSIFIER_CHUNK 2

/* Where the image begins, for the functions below; NULL where there are only lines. */
static __always_inline const void *classifier_image(void)
{
	__u32 first = 0;

	return classifier_constants.lines ? bpf_map_lookup_elem(&classifier, &first) : NULL;
}

/*
 * The element `index` of `size` bytes in an array of so many at `base`, which may be NULL. NULL: there is none. What is
 * compared must be what is used, or the verifier learns nothing from it.
 */
static __always_inline const void *classifier_element(const void *base, __u64 index, __u32 count, __u32 size)
{
	if (!base || index >= count)
		return NULL;
	asm volatile("" : "+r"(index));
	return base + index * size;
}

/* The line of that number; NULL: beyond the image. */
static __always_inline const void *classifier_line(const void *image, __u32 number)
{
	if (!classifier_constants.lines)
		return bpf_map_lookup_elem(&classifier, &number);
	return classifier_element(image, number, classifier_constants.lines, CLASSIFIER_LINE);
}

/* Reads the unit at `place`. Returns false beyond the image. */
static __always_inline bool classifier_unit(const void *image, __u32 place, __u64 *unit)
{
	const __u64 *found;

	if (classifier_constants.lines) {
		found = classifier_element(image, place, classifier_constants.units, sizeof(*found));
	} else {
		found = classifier_line(image, place / CLASSIFIER_LINE_UNITS);
		if (found)
			found += place % CLASSIFIER_LINE_UNITS;
	}
	if (!found)
		return false;
	*unit = *found;
	return true;
}

/* Not negative if and only if low <= value <= high. */
static __always_inline __s64 classifier_within(__s64 value, __s64 low, __s64 high)
{
	return (value - low) | (high - value);
}

/* Whether the packet passes the tests but those of the addresses, which have left `differences`: 0 if it passes them.
 */
static __always_inline bool classifier_common_match(const struct classifier_keys *keys,
						    const struct classifier_common *common, __u64 differences)
{
	__u32 interface = keys->key[CLASSIFIER_INTERFACE_KEY(common->index)];

	/* without the family, and with what is none of the head's in the records */
	differences |= (__u32)(((keys->key[CLASSIFIER_HEAD] ^ common->head_value) & common->head_mask)
			       << (32 - CLASSIFIER_HEAD_BITS));
	differences |= interface ^ common->interface;
	if (differences)
		return false;
	return (classifier_within(keys->key[CLASSIFIER_SOURCE_PORT], common->source_low, common->source_high) |
		classifier_within(keys->key[CLASSIFIER_DESTINATION_PORT], common->destination_low,
				  common->destination_high)) >= 0;
}

/* Bits in which the packet's word `key` differs from an address of which the last `shift` (0..32) do not count. */
static __always_inline __u64 classifier_differ(const struct classifier_keys *keys, __u32 key, __u32 address,
					       __u32 shift)
{
	return (__u64)(keys->key[key] ^ address) >> (shift & 63);
}

static __always_inline bool classifier_match4(const struct classifier_keys *keys,
					      const struct classifier_record4 *record)
{
	__u32 shifts = record->common.shifts4;

	return classifier_common_match(
		keys, &record->common,
		classifier_differ(keys, CLASSIFIER_SOURCE, record->source, shifts & 0xff) |
			classifier_differ(keys, CLASSIFIER_DESTINATION, record->destination, shifts >> 8));
}

static __always_inline bool classifier_match6(const struct classifier_keys *keys,
					      const struct classifier_record6 *record)
{
	__u64 differences =
		classifier_differ(keys, CLASSIFIER_SOURCE, record->source[0], record->source_shift[0]) |
		classifier_differ(keys, CLASSIFIER_DESTINATION, record->destination[0], record->destination_shift[0]);

	for (int i = 1; i < 4; i++)
		differences |= classifier_differ(keys, CLASSIFIER_SOURCE_1 + i - 1, record->source[i],
						 record->source_shift[i]) |
			       classifier_differ(keys, CLASSIFIER_DESTINATION_1 + i - 1, record->destination[i],
						 record->destination_shift[i]);
	return classifier_common_match(keys, &record->common, differences);
}

/* Whether the records are for IPv6: by packet.family, the first byte of the head. */
static __always_inline bool classifier_ip6(const struct classifier_keys *keys)
{
	return keys->key[CLASSIFIER_HEAD] >> CLASSIFIER_HEAD_BITS == 6;
}

/* Compares one record; returns false at the end: found, none left, or none that counts. */
static __always_inline bool classifier_scan_record(struct classifier_scan *scan, const __u64 *units, bool ip6)
{
	const struct classifier_common *common;
	__u32 index;
	bool match;

	if (ip6) {
		const struct classifier_record6 *record = (const void *)units;

		common = &record->common;
		match = classifier_match6(scan->keys, record);
	} else {
		const struct classifier_record4 *record = (const void *)units;

		common = &record->common;
		match = classifier_match4(scan->keys, record);
	}
	index = CLASSIFIER_INDEX(common->index);
	if (index >= scan->best)
		return false;
	if (match && index >= scan->from) {
		scan->best = index;
		return false;
	}
	scan->place += ip6 ? CLASSIFIER_UNITS6 : CLASSIFIER_UNITS4;
	return --scan->records;
}

/* Likewise, all records in one line. */
static __always_inline bool classifier_scan_line(const void *image, struct classifier_scan *scan, bool ip6)
{
	const __u64 *units = classifier_line(image, scan->place / CLASSIFIER_LINE_UNITS);

	if (!units)
		return false;
	if (ip6)
		return classifier_scan_record(scan, units, true);
	if (!(scan->place & CLASSIFIER_UNITS4) && !classifier_scan_record(scan, units, false))
		return false;
	/* Else what both have in common is kept on the stack, of which callers need what there is. */
	asm volatile("" ::: "memory");
	return classifier_scan_record(scan, units + CLASSIFIER_UNITS4, false);
}

/* The step that goes on with what a scan has left. */
static __always_inline __u64 classifier_rest(const struct classifier_scan *scan)
{
	return scan->records ? CLASSIFIER_LEAF(scan->place, 0, scan->records) : CLASSIFIER_EMPTY;
}

static long classifier_scan_lines4(__u32 number, struct classifier_scan *scan)
{
	return !classifier_scan_line(classifier_image(), scan, false);
}

static long classifier_scan_lines6(__u32 number, struct classifier_scan *scan)
{
	return !classifier_scan_line(classifier_image(), scan, true);
}

/* Compares the records of a leaf, the first lines without calls: a call costs as much as some records. */
static __always_inline void classifier_scan_lines(struct classifier_scan *scan, bool ip6)
{
	bool more = true;

	for (int i = 0; i < CLASSIFIER_CHUNK && more; i++)
		more = classifier_scan_line(classifier_image(), scan, ip6);
	if (more)
		bpf_loop(CLASSIFIER_RECORDS, ip6 ? classifier_scan_lines6 : classifier_scan_lines4, scan, 0);
}

/* The place of the step that a node leads to. */
static __always_inline __u32 classifier_child(const struct classifier_keys *keys, __u64 step)
{
	__u32 child = keys->key[CLASSIFIER_STEP_KEY(step)] >> CLASSIFIER_STEP_SHIFT(step);

	return CLASSIFIER_STEP_PLACE(step) + (child & ((1u << CLASSIFIER_STEP_BITS(step)) - 1));
}

/* Follows *step to a leaf; returns false at a step that has nothing below `best`. */
static __always_inline bool classifier_descend(const void *image, const struct classifier_keys *keys, __u64 *step,
					       __u32 best)
{
	for (int i = 0; i <= CLASSIFIER_DEPTH; i++) {
		if (CLASSIFIER_STEP_FIRST(*step) >= best)
			return false;
		if (CLASSIFIER_STEP_LEAF(*step))
			return true;
		if (!classifier_unit(image, classifier_child(keys, *step), step))
			return false;
	}
	return false;
}

/* As classifier_descend() for a tree of the walk: a call, so that it has its share of the stack for a while only. */
static __noinline bool classifier_descend_tree(struct classifier_walk *walk, __u32 tree, __u32 best)
{
	return classifier_descend(classifier_image(), &walk->keys, walk->steps + (tree & (CLASSIFIER_TREES - 1)), best);
}

/*
 * Searches one tree. Returns the index found, or `best`. Its step then goes on at the record found or the first that
 * does not count: what lies before is of no use to a search from higher indexes. A function, so that the verifier goes
 * through it once, not for each tree: that is most of what it takes to load a program which looks its rules up.
 */
__noinline __u32 classifier_search_tree(struct classifier_walk *walk, __u32 tree, __u32 from, __u32 best)
{
	struct classifier_scan scan = {.keys = &walk->keys, .from = from, .best = best};
	__u64 *step;

	if (!walk || !classifier_descend_tree(walk, tree, best))
		return best;
	step = walk->steps + (tree & (CLASSIFIER_TREES - 1));
	scan.place = CLASSIFIER_STEP_PLACE(*step);
	scan.records = CLASSIFIER_STEP_RECORDS(*step);
	if (classifier_ip6(&walk->keys))
		classifier_scan_lines(&scan, true);
	else
		classifier_scan_lines(&scan, false);
	*step = classifier_rest(&scan);
	return scan.best;
}

/* Searches all trees. */
static __always_inline __u32 classifier_search(struct classifier_walk *walk, __u32 from)
{
	__u32 best = CLASSIFIER_NONE;

	for (__u32 i = 0; i < CLASSIFIER_TREES; i++)
		if (CLASSIFIER_STEP_FIRST(walk->steps[i]) < best)
			best = classifier_search_tree(walk, i, from, best);
	return best;
}

/* The words behind the first of both addresses; 0, but for IPv6. */
static __always_inline void classifier_rest_of_addresses(struct classifier_keys *keys, const struct packet *packet)
{
	for (int i = 0; i < 3; i++) {
		keys->key[CLASSIFIER_SOURCE_1 + i] = bpf_ntohl(packet->source[1 + i]);
		keys->key[CLASSIFIER_DESTINATION_1 + i] = bpf_ntohl(packet->destination[1 + i]);
	}
}

static __always_inline void classifier_keys_fill(struct classifier_keys *keys, const struct packet *packet)
{
	*keys = (struct classifier_keys){0};
	if (packet->family == 6)
		classifier_rest_of_addresses(keys, packet);
	keys->key[CLASSIFIER_SOURCE] = bpf_ntohl(packet->source[0]);
	keys->key[CLASSIFIER_DESTINATION] = bpf_ntohl(packet->destination[0]);
	keys->key[CLASSIFIER_SOURCE_PORT] = packet->source_port;
	keys->key[CLASSIFIER_DESTINATION_PORT] = packet->destination_port;
	keys->key[CLASSIFIER_PROTOCOL] = packet->protocol;
	keys->key[CLASSIFIER_VIA] = packet->interface;
	keys->key[CLASSIFIER_RECV] = packet->receive_interface;
	keys->key[CLASSIFIER_XMIT] = packet->transmit_interface;
	keys->key[CLASSIFIER_HEAD] = bpf_ntohl(*(const __u32 *)&packet->family);
}

/* The line of roots of a stretch for packets of that kind. NULL: no such stretch. */
static __always_inline const void *classifier_roots(const void *image, const struct packet *packet, __u32 stretch)
{
	return classifier_line(image, CLASSIFIER_ROOTS(stretch, packet->family == 4   ? CLASSIFIER_IP4
								: packet->family == 6 ? CLASSIFIER_IP6
										      : CLASSIFIER_OTHER));
}

/*
 * Begins a search for the rules of `stretch` that the packet may match. Returns the lowest index from `from` on, or
 * CLASSIFIER_NONE. *walk must be memory that the verifier takes for initialised; what it holds does not matter.
 */
__noinline __u32 classifier_begin(const struct packet *packet, __u32 stretch, __u32 from, struct classifier_walk *walk)
{
	const __u64 *roots;

	if (!packet || !walk)
		return CLASSIFIER_NONE;
	classifier_keys_fill(&walk->keys, packet);
	roots = classifier_roots(classifier_image(), packet, stretch);
	if (!roots)
		return CLASSIFIER_NONE;
	for (int i = 0; i < CLASSIFIER_TREES; i++)
		walk->steps[i] = roots[i];
	return classifier_search(walk, from);
}

/*
 * Goes on with a search: the lowest index from `from` on, or CLASSIFIER_NONE. `from` must not be lower than in the call
 * before.
 */
__noinline __u32 classifier_next(struct classifier_walk *walk, __u32 from)
{
	if (!walk)
		return CLASSIFIER_NONE;
	return classifier_search(walk, from);
}

#endif
