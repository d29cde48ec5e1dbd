/* SPDX-License-Identifier: GPL-2.0-only */
/* The printer's inside. */
#ifndef COMPAT_PRINTER_H
#define COMPAT_PRINTER_H

#include <stdbool.h>

#include "ipfw-compat/language.h"

/* A text under construction; what does not fit is counted but not kept. */
struct text {
	char *start;
	size_t size;
	size_t length; /* that it would have with room enough */
};

void text_add(struct text *text, const char *string);
void text_character(struct text *text, char character);
void text_number(struct text *text, unsigned int number);
/* Likewise with 0x in front, unless it is 0. */
void text_hexadecimal(struct text *text, unsigned int number);

#define PRINTED_OPTIONS_MAX 1024 /* more than the parser lets a body have; further ones are printed as they come */

struct printer {
	struct text text;
	const struct rule *rule;
	const struct print_options *format;
	/*
	 * ipfw moves protocols and addresses to `proto from source to destination` wherever they stood, which can tear
	 * an or-block apart. Careful printing moves only what can be read back.
	 */
	bool careful;
	bool have_protocol, have_source, have_destination; /* printed, or the rule has no such positions */
	bool in_block;					   /* a brace is open */
	unsigned int protocol;				   /* that port names belong to, 0: any */
	__u64 printed[PRINTED_OPTIONS_MAX / 64];
};

/* printer_option.c: one option's test, with its keyword where its position does not say it */
void print_option_test(struct printer *printer, const struct option *option);
/* printer_values.c: arguments that are no addresses, beginning with a blank */
void print_number(struct printer *printer, const struct option *option);
void print_ranges(struct printer *printer, const struct option *option);
void print_flags(struct text *text, const struct option *option);
void print_bitmap(struct text *text, const struct option *option);
void print_labels(struct text *text, const struct option *option);
void print_mac(struct text *text, const struct mac_match *mac);
void print_masked(struct text *text, const struct option *option);
void print_log(struct text *text, const struct log_settings *log);
/* printer_table.c */
void print_table(struct text *text, const struct table_match *table);
void print_lookup(struct text *text, const struct lookup_match *lookup);
void print_limit(struct text *text, const struct option *option);
/* printer_action.c: the action and its argument */
void print_action(struct text *text, const struct action *action);
/* printer_address.c */
void print_address4(struct printer *printer, const struct option *option);
void print_address6(struct printer *printer, const struct option *option);
void print_address_set(struct printer *printer, const struct option *option);
void print_dotted(struct text *text, __u32 address);
void print_bytes(struct text *text, const __u8 bytes[6]);

/* printer_blocks.c: the structure of or-blocks */

/* Whether an `or` stands behind `option`. */
bool option_joins(const struct rule *rule, const struct option *option);
/* Whether all members of the or-block that begins with `option` have its place in a rule. */
bool block_uniform(const struct rule *rule, const struct option *option);
/* Whether ipfw's listing of the rule may mean something else, or nothing, when it is read. */
bool listing_doubtful(const struct rule *rule);

#endif
