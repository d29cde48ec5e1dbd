/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys, values and properties of look-up tables, as ipfw writes them. */
#ifndef COMPAT_TABLE_TEXT_H
#define COMPAT_TABLE_TEXT_H

#include <stdio.h>

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

/* Prints an entry as a line; `addresses`: single numbers as IPv4 addresses (-i). */
void table_entry_print(FILE *out, const struct table_info *info, const struct table_key *key,
		       const struct table_record *record, bool addresses);

/* Prints what `info', and `detail' if `detail`, tells of a table that rules refer to so many times. */
void table_heading_print(FILE *out, const struct table_info *info);
void table_info_print(FILE *out, const struct table *table, unsigned int references);
void table_detail_print(FILE *out, const struct table_info *info, unsigned int present);

/* The name of the algorithm that tables of a type have unless another is asked for. */
const char *table_algorithm(unsigned int type);

/* The order in which ipfw lists entries of tables of a type: < 0, 0 or > 0. */
int table_key_compare(unsigned int type, const struct table_key *left, const struct table_key *right);

#endif
