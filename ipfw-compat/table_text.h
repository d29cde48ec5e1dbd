/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys, values and properties of look-up tables, as ipfw writes them. */
#ifndef COMPAT_TABLE_TEXT_H
#define COMPAT_TABLE_TEXT_H

#include <stdio.h>

#include "ipfw-compat/names.h"
#include "ipfw/error.h"
#include "loader/tables.h"

/* Bit of table_info.values for the IPv6 address, which is not among the numbers. */
#define TABLE_VALUE_IPV6 TABLE_VALUES
/* Bits of its kernel's memory that ipfw counts for a table, and for each entry. */
#define TABLE_BYTES 296
#define TABLE_ENTRY_BYTES 120

/*
 * Reads an entry's key for a table with the type and fields of *info. Host bits are cut off. `word` is where *error
 * points. Returns 0, or -1 with *error set.
 */
int table_key_parse(struct table_key *key, const struct table_info *info, const char *text, int word,
		    struct error *error);

/* The type of table that `text` looks like a key of (enum table_type), or -1. */
int table_key_guess(const char *text);

/* Reads what an entry holds: a number for each bit of info->values, separated by commas. */
int table_record_parse(struct table_record *record, const struct table_info *info, const char *text, int word,
		       struct error *error);

/* Reads the options of `create': a type with its fields, the kinds of values. */
int table_type_parse(struct table_info *info, const char *text, int word, struct error *error);
int table_values_parse(struct table_info *info, const char *text, int word, struct error *error);

/* Reads a number of seconds. */
int table_seconds_parse(__u32 *seconds, const char *text, int word, struct error *error);

/* Kinds of values in the order in which ipfw lists them (enum table_value, or TABLE_VALUE_IPV6), FLOW_*, types. */
extern const struct name_value table_value_names[];
extern const struct name_value table_flow_names[];
extern const struct name_value table_type_names[];

#define TABLE_KEY_TEXT_MAX 160
void table_key_text(char *text, size_t size, const struct table_info *info, const struct table_key *key);

/* Prints what an entry holds (`addresses`: single numbers as IPv4 addresses, -i), or the entry as a line. */
void table_record_print(FILE *out, const struct table_info *info, const struct table_record *record, bool addresses);
void table_entry_print(FILE *out, const struct table_info *info, const struct table_key *key,
		       const struct table_entry *entry, bool addresses);

/* Prints an entry as an object of JSON, on a line; `counters` may be NULL. */
void table_entry_json(FILE *out, const struct table_info *info, const struct table_key *key,
		      const struct table_entry *entry, const struct counters *counters);

/* Prints what `info' and `detail' tell of a table with so many entries that rules refer to so many times. */
void table_heading_print(FILE *out, const struct table_info *info);
void table_info_print(FILE *out, const struct table *table, __u32 items, unsigned int references);
void table_detail_print(FILE *out, const struct table_info *info, const __u32 items_of[2], unsigned int present);

/* The name of the algorithm that tables of a type have unless another is asked for. */
const char *table_algorithm(unsigned int type);

/* The order in which ipfw lists entries of tables of a type: < 0, 0 or > 0. */
int table_key_compare(unsigned int type, const struct table_key *left, const struct table_key *right);

#endif
