/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the types of tables keep in which maps. One file for each type, table_<type>.c: another structure for the
 * contents of a type is another row there, and its reader in bpf/table_<type>.h.
 */
#ifndef MAPS_TABLE_KINDS_H
#define MAPS_TABLE_KINDS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <time.h>

#include "maps/lasting.h"

/* The key of an entry, of whatever type; what the type does not use is 0, so that equal keys have equal bytes. */
struct table_key {
	__u8 family; /* TABLE_ADDRESS: 4 or 6 */
	__u8 bits;   /* TABLE_ADDRESS, TABLE_MAC: length of the prefix */
	__u8 reserved[2];
	union {
		__u32 address[4]; /* network order, host bits 0; IPv4 in [0] */
		__u32 number;
		__u8 mac[6]; /* host bits 0 */
		char name[INTERFACE_NAME_MAX];
		struct table_flow flow;
	} u;
};

#define TABLE_MAP_KEY_MAX 64

/* One kind of inner map. */
struct table_kind {
	enum lasting_map outer; /* 0: there is no such kind */
	enum bpf_map_type
		type; /* BPF_MAP_TYPE_ARRAY: a trie of our own (maps/table_trie.h), and the rest does not matter */
	__u32 key_size;
	bool optional; /* there need be no map as long as it is empty */
	bool prefixes; /* its keys begin with a number of bits: a look-up finds the longest prefix */
	/* Writes the key as it is in the map. Returns false if entries with this key are not in maps of this kind. */
	bool (*encode)(void *raw, const struct table_key *key);
	/* The other way round. Returns false if `raw` is not the key of an entry. */
	bool (*decode)(struct table_key *key, const void *raw);
};

#define TABLE_KINDS_MAX 4

/* Numbers of the kinds of type addr. */
enum table_address_kind { TABLE_STAY4, TABLE_STAY6, TABLE_TIMED4, TABLE_TIMED6 };

/* The kinds of maps that a table of each type consists of; most types have one. */
extern const struct table_kind table_address_kinds[TABLE_KINDS_MAX];
extern const struct table_kind table_interface_kinds[TABLE_KINDS_MAX];
extern const struct table_kind table_number_kinds[TABLE_KINDS_MAX];
extern const struct table_kind table_flow_kinds[TABLE_KINDS_MAX];
extern const struct table_kind table_mac_kinds[TABLE_KINDS_MAX];

/* Those of tables of `type` (enum table_type). */
const struct table_kind *table_kinds(unsigned int type);

static inline bool table_kind_is_trie(const struct table_kind *kind)
{
	return kind->type == BPF_MAP_TYPE_ARRAY;
}

/* Whether entries have prefixes, of which packets find the longest. */
static inline bool table_has_prefixes(unsigned int type)
{
	return type == TABLE_ADDRESS || type == TABLE_MAC;
}

/* Where the number of entries with this key is: 1 for IPv6, else 0. */
static inline unsigned int table_family_of(unsigned int type, const struct table_key *key)
{
	return type == TABLE_ADDRESS && key->family == 6;
}

/* The clock of table_entry.expires. */
static inline __u64 table_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static inline bool table_entry_lives(const struct table_entry *entry)
{
	return !entry->expires || entry->expires > table_clock();
}

/* Which of the kinds of its type holds the entry with this key, if it expires or stays. */
static inline unsigned int table_kind_of(unsigned int type, const struct table_key *key, bool expires)
{
	if (type != TABLE_ADDRESS)
		return 0;
	return (expires ? TABLE_TIMED4 : TABLE_STAY4) + (key->family == 6);
}

#endif
