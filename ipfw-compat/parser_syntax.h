/* SPDX-License-Identifier: GPL-2.0-only */
/* How each option reads its argument. */
#ifndef COMPAT_PARSER_SYNTAX_H
#define COMPAT_PARSER_SYNTAX_H

#include <stdbool.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser.h"

/* What parse functions know of an option, by enum option_code. */
struct option_syntax {
	/*
	 * Reads the argument of option `code`, from the word behind the keyword on, and commits the option. Returns 0,
	 * or -1 with the error recorded. NULL: the option has no argument.
	 */
	int (*parse)(struct parser *parser, unsigned int code);
	const char *missing;		/* message when nothing follows; NULL: the function finds that out */
	const char *example;		/* of an argument, for advice */
	const char *invalid;		/* message in front of an argument that is none */
	const struct name_value *names; /* words that stand for values */
	unsigned int highest;		/* largest number, or its bits that count where ipfw forgets the others */
	bool forgets_not;		/* ipfw drops a `not` in front of it */
};
extern const struct option_syntax option_syntax[];

/* parser_options.c: `proto` */
int parse_proto_option(struct parser *parser, unsigned int code);
/* parser_options.c: the rest of the line */
int parse_comment(struct parser *parser, unsigned int code);
/* parser_options.c: addresses, by the option's side */
int parse_address4_option(struct parser *parser, unsigned int code);
int parse_address6_option(struct parser *parser, unsigned int code);

/* parser_ports.c: ports; EtherTypes; numbers of 16 bits and ranges of them; tags */
int parse_port_option(struct parser *parser, unsigned int code);
int parse_ether_types(struct parser *parser, unsigned int code);
int parse_ranges_option(struct parser *parser, unsigned int code);
int parse_tagged(struct parser *parser, unsigned int code);

/* parser_numbers.c: one number; a number below a limit that ipfw's kernel checks; flow labels; `mark` */
int parse_number_option(struct parser *parser, unsigned int code);
int parse_fib_option(struct parser *parser, unsigned int code);
int parse_flow_labels(struct parser *parser, unsigned int code);
int parse_mark_option(struct parser *parser, unsigned int code);

/* parser_flags.c: `flag,!flag`; the same for `frag`, which may have none; extension headers; ICMP types; DSCP */
int parse_flags(struct parser *parser, unsigned int code);
int parse_fragment_flags(struct parser *parser, unsigned int code);
int parse_extension_headers(struct parser *parser, unsigned int code);
int parse_types(struct parser *parser, unsigned int code);
int parse_dscp(struct parser *parser, unsigned int code);

/* parser_link.c: interfaces; MAC addresses */
int parse_interface(struct parser *parser, unsigned int code);
int parse_mac(struct parser *parser, unsigned int code);

/* parser_link.c: six numbers of one or two hexadecimal digits; returns whether the text is that */
#define MAC_BYTES 6
bool read_mac(const char *text, __u8 bytes[MAC_BYTES]);

/* parser_table.c: `table(...)`; `lookup` */
int parse_table_option(struct parser *parser, unsigned int code);
int parse_lookup(struct parser *parser, unsigned int code);

/* parser_state.c: keep-state and record-state; limit and set-limit; defer-immediate-action */
int parse_state(struct parser *parser, unsigned int code);
int parse_limit(struct parser *parser, unsigned int code);
int parse_defer(struct parser *parser, unsigned int code);

/* parser_owner.c: users and groups; control groups */
int parse_owner(struct parser *parser, unsigned int code);
int parse_jail(struct parser *parser, unsigned int code);

#endif
