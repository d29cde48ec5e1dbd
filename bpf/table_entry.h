/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of tables that expire, and the counters of entries (maps/layout.h). */
#ifndef BPF_TABLE_ENTRY_H
#define BPF_TABLE_ENTRY_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps_tables.h"
#include "bpf/table_address.h"
#include "bpf/traced.h"
#include "ipfw/packet.h"

#define TABLE_PREFIX_MAX 128

static __always_inline bool table_entry_lives(const struct table_entry *entry)
{
	return !entry->expires || entry->expires > bpf_ktime_get_coarse_ns();
}

/*
 * The entry with the longest prefix that lives, or NULL. `trie' is one of the kernel's, and `key' one of its keys: a
 * number of bits, and behind it what they are the length of. The number changes: what has expired hides what is
 * shorter, so that the search goes on for that.
 */
static __always_inline const struct table_entry *table_find_prefix(void *trie, void *key)
{
	for (int i = 0; i <= TABLE_PREFIX_MAX; i++) {
		const struct table_entry *entry = bpf_map_lookup_elem(trie, key);
		__u32 bits;

		if (!entry || table_entry_lives(entry))
			return entry;
		bits = entry->record.number[0];
		if (!bits)
			return NULL;
		*(__u32 *)key = bits - 1;
	}
	return NULL;
}

/* What is being looked up, and what has been found. */
struct table_asked {
	__u64 question;
	__u32 value;
	__u32 slot;
	/* of an address */
	struct trie_address address;
	struct table_address6 key; /* the same for a trie of the kernel's; IPv4 in address[0] */
	__u32 reference;	   /* of the entry that the trie has, 0: none, or a longer prefix that expires */
	__u32 bits;		   /* of the longest prefix found */
	__u32 found;		   /* whether an entry that the question asks for */
	__u32 plain;		   /* whether all that is asked is if there is an entry, whichever that is */
};

/* Room for what does not fit onto the stack, of which callers leave 64 bytes (kernel 6.1: 512 for a chain of calls). */
struct table_scratch {
	struct table_asked asked;
	struct table_counter_key key;
	struct table_mac mac;
	struct rule_counter zero;
};
/* One for packets of the network, one for traced ones, which these may interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct table_scratch);
} table_scratch SEC(".maps") __weak;

/* The packet's room on this CPU; NULL only for the verifier. One function uses it at a time. */
static __always_inline struct table_scratch *table_scratch_of(const struct packet *packet)
{
	__u32 key = packet_traced(packet) ? 1 : 0;

	return bpf_map_lookup_elem(&table_scratch, &key);
}

/* Likewise with a key all zeros. */
static __always_inline struct table_scratch *table_scratch_find(const struct packet *packet)
{
	struct table_scratch *scratch = table_scratch_of(packet);

	if (scratch)
		__builtin_memset(&scratch->key, 0, sizeof(scratch->key));
	return scratch;
}

/* The map that counts the packets which find an entry in a slot of this type; NULL if this packet is not counted. */
static __always_inline void *table_counters_map(const struct packet *packet, __u32 type, __u32 slot)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot);
	void *counters = bpf_map_lookup_elem(&table_counters, &index);

	return packet_traced(packet) ? NULL : counters;
}

/* Likewise, with *scratch a key to be filled. */
static __always_inline void *table_counters_find(const struct packet *packet, __u32 type, __u32 slot,
						 struct table_scratch **scratch)
{
	void *counters = table_counters_map(packet, type, slot);

	if (!counters)
		return NULL;
	*scratch = table_scratch_find(packet);
	return *scratch ? counters : NULL;
}

static __always_inline void table_count_in(const struct packet *packet, struct rule_counter *counter)
{
	__sync_fetch_and_add(&counter->packets, packet->segments);
	__sync_fetch_and_add(&counter->bytes, packet->bytes);
	counter->last_match = bpf_ktime_get_coarse_ns();
}

/* Counts the packet for the entry of this key. CPUs share the counters: of a million entries most are never found. */
static __always_inline void table_count(const struct packet *packet, void *counters, struct table_scratch *scratch)
{
	struct rule_counter *counter = bpf_map_lookup_elem(counters, &scratch->key);

	if (!counter) {
		bpf_map_update_elem(counters, &scratch->key, &scratch->zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(counters, &scratch->key);
	}
	if (counter)
		table_count_in(packet, counter);
}

/* The array that counts the packets which find an address that stays; NULL if this packet is not counted. */
static __always_inline void *table_counts_map(const struct packet *packet, __u32 slot)
{
	__u32 index = TABLE_COUNTS_SLOT(packet->family == 6, slot);
	void *counts = bpf_map_lookup_elem(&table_counts, &index);

	return packet_traced(packet) ? NULL : counts;
}

#endif
