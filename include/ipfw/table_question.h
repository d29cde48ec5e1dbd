/* SPDX-License-Identifier: GPL-2.0-only */
/* How generated code asks the runtime for a look-up in a table: one number. */
#ifndef IPFW_TABLE_QUESTION_H
#define IPFW_TABLE_QUESTION_H

/*
 * `index` of the table; `value`: kind of number that must be in the entry (enum table_value); `fields`: of a flow, or
 * which of two addresses.
 */
#define TABLE_QUESTION(index, value, fields) ((__u64)(index) | (__u64)(value) << 16 | (__u64)(fields) << 24)
#define TABLE_QUESTION_INDEX(question) ((__u32)(question)&0xffff)
#define TABLE_QUESTION_VALUE(question) ((__u32)((question) >> 16) & 0xff)
#define TABLE_QUESTION_FIELDS(question) ((__u32)((question) >> 24) & 0xff)
#define TABLE_QUESTION_DESTINATION 1	 /* else the source */
#define TABLE_QUESTION_KEEP (1ull << 32) /* the rule has a use for what the entry holds: packet_table_value() */

#endif
