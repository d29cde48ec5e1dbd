/* SPDX-License-Identifier: GPL-2.0-only */
/* The contents of tables (maps/layout.h). The loader makes the inner maps (maps/table_*.c) after these patterns. */
#ifndef BPF_MAPS_TABLES_H
#define BPF_MAPS_TABLES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/table_trie.h"
#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_slots);
} table_slots SEC(".maps");

/* An outer map `name`, with inner ones like struct `name`_contents. */
#define TABLE_OUTER_MAP(name, slots)                                                                                   \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                              \
		__uint(max_entries, slots);                                                                            \
		__type(key, __u32);                                                                                    \
		__array(values, struct name##_contents);                                                               \
	} name SEC(".maps")

/* Likewise, whose inner ones are of a type and have keys of `struct key_type`. */
#define TABLE_MAP(name, inner_type, key_type, value_type, slots)                                                       \
	struct name##_contents {                                                                                       \
		__uint(type, inner_type);                                                                              \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                  \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, sizeof(struct key_type));                                                             \
		__uint(value_size, sizeof(struct value_type));                                                         \
	};                                                                                                             \
	TABLE_OUTER_MAP(name, slots)

/* Likewise, whose inner ones are arrays of any length. */
#define TABLE_ARRAY_MAP(name, bytes, slots)                                                                            \
	struct name##_contents {                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);                                                   \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, bytes);                                                                             \
	};                                                                                                             \
	TABLE_OUTER_MAP(name, slots)

TABLE_ARRAY_MAP(table_address4, TRIE_LINE, TABLES_MAX); /* tries of our own (ipfw/table_trie.h) */
TABLE_ARRAY_MAP(table_address6, TRIE_LINE, TABLES_MAX);
TABLE_ARRAY_MAP(table_counts, sizeof(struct table_count), 2 * TABLES_MAX);
TABLE_MAP(table_timed4, BPF_MAP_TYPE_LPM_TRIE, table_address4, table_entry, TABLES_MAX);
TABLE_MAP(table_timed6, BPF_MAP_TYPE_LPM_TRIE, table_address6, table_entry, TABLES_MAX);
TABLE_MAP(table_interface, BPF_MAP_TYPE_HASH, table_interface, table_entry, TABLES_MAX);
TABLE_MAP(table_number, BPF_MAP_TYPE_HASH, table_number, table_entry, TABLES_MAX);
TABLE_MAP(table_flow, BPF_MAP_TYPE_HASH, table_flow, table_entry, TABLES_MAX);
TABLE_MAP(table_mac, BPF_MAP_TYPE_LPM_TRIE, table_mac, table_entry, TABLES_MAX);
TABLE_MAP(table_counters, BPF_MAP_TYPE_HASH, table_counter_key, rule_counter, TABLE_TYPES *TABLES_MAX);

#endif
