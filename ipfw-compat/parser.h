/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parser's inside: one pass over the words, left to right, appending options to the rule.
 *
 * Messages and their order are ipfw's. So are two habits that rules in the wild rely on: an argument that says nothing
 * (`any`) leaves no option, and a `not` in front of it then applies to the next option; `or` joins the option written
 * last.
 */
#ifndef COMPAT_PARSER_H
#define COMPAT_PARSER_H

#include <stdbool.h>
#include <sysexits.h>

#include "ipfw-compat/language.h"

/*
 * ipfw stores a rule as 32-bit instructions and takes no more than this for the body. The same measure
 * bounds ours, see instruction_words().
 */
#define BODY_INSTRUCTION_WORDS 250
#define PORT_RANGES_MAX 62	/* more is a syntax error */
#define PORT_RANGES_ACCEPTED 30 /* more is refused when the rule is complete */
#define ADDRESSES4_MAX 31	/* likewise */
#define ADDRESSES4_ACCEPTED 15
#define ADDRESSES6_MAX 7

struct parser {
	const struct words *words;
	int position;	  /* index of the current word; words->count behind the last */
	const char *word; /* current word, without an opening brace that stuck to it; NULL behind the last */
	const struct parse_context *context;
	struct error *error;

	bool not_pending;		/* a `not` waits for the next option */
	bool open;			/* inside { } */
	struct option *previous;	/* the option that `or` would join to the next, NULL: none */
	int or_word;			/* where the last `or` is, if there is one */
	unsigned int protocol;		/* that the port names which follow belong to, 0: any */
	unsigned int instruction_words; /* of the body so far */
	unsigned int options_before;	/* of the rule, when the body began */
	bool has_state;			/* an option that goes to the end, see parser_finish() */
	int later_word;			/* the first that no code exists for yet, -1: none */
	const char *later_text;
	int refused_word; /* what parser_refuse() was called for, -1: nothing */
	const char *refused_reason;

	struct action action;
	__u64 action_payload[2 * OBJECT_NAME_MAX / sizeof(__u64)]; /* the longest: two names */
	size_t action_payload_size;				   /* bytes in use */
	struct rule *rule;					   /* the rule under construction, in `block` */
	size_t used;						   /* bytes of `block` in use */
	/* The body's worst case is a name behind its table's lookup, in an instruction of one word. */
	__u64 block[(sizeof(struct rule) + BODY_INSTRUCTION_WORDS * (24 + OBJECT_NAME_MAX) + 1024) / sizeof(__u64)];
};

/* parser_words.c: the current word */

/* Goes on to the next word. */
void parser_next(struct parser *parser);
/* Whether the current word is `keyword` or, with a warning, a beginning of it. False at the end. */
bool parser_at(struct parser *parser, const char *keyword);
/* Takes an optional `not`. Returns 0 or -1 when there is a second one. */
int parse_not(struct parser *parser);
/* Records an error at the current word. Returns -1. */
int parser_fail(struct parser *parser, int exit_code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/*
 * Fails because the current word, a list of addresses, is too long: the message depends on how many of ipfw's 4-byte
 * words the list would take, `entry_words` for each entry. Returns -1.
 */
int parser_fail_list(struct parser *parser, unsigned int entry_words, unsigned int accepted);

/* Takes note of the current word if the row that it stands for is `later`: a rule with it cannot be installed. */
void parser_needs(struct parser *parser, bool later);
/* Copies `length` characters to `buffer`; what does not fit cannot be a name or address either and becomes "". */
const char *copy_text(char *buffer, size_t size, const char *text, size_t length);
/* Prints one of ipfw's warnings by way of the context. */
void parser_warn(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* parser_build.c: the rule under construction */

/*
 * Room for one more option behind the last, its header cleared. It becomes part of the rule by
 * parser_commit(), which takes the pending `not`; `payload` is the number of bytes in use in option->u.
 * parser_commit() returns 0, or -1 when the rule is too long.
 */
struct option *parser_option(struct parser *parser, unsigned int code);
int parser_commit(struct parser *parser, struct option *option, size_t payload);
/*
 * Notes that the current word is well-formed but will be refused, for this reason, once the whole rule has been read:
 * ipfw finds all its syntax errors first.
 */
void parser_refuse(struct parser *parser, const char *reason);
/* Whether the rule has an option `code`. */
bool parser_has(const struct parser *parser, unsigned int code);
/* Zeroed room for what stands behind struct action; `size` is at most that of two names. */
void *parser_action_payload(struct parser *parser, size_t size);
/*
 * The finished rule as a block of its own, or NULL with the error recorded. Options of states go to the end: as in ipfw
 * a state is made once all else has matched.
 */
struct rule *parser_finish(struct parser *parser);

/* The grammar; all return 0, or -1 with the error recorded. */

/* parser_action.c: action and its argument */
int parse_action(struct parser *parser);
/* parser_modifiers.c: what may stand between action and body */
int parse_modifiers(struct parser *parser);
/* parser_state.c: what may follow `check-state` and its argument: a comment; as in ipfw all else is passed over */
int parse_check_state_rest(struct parser *parser);
/* parser_body.c: `proto from source to destination` or nothing, then options */
int parse_body(struct parser *parser);
/*
 * A protocol name or number. In its position (proto from ...) ipv4 and ipv6 name the families; behind the option
 * `proto` they are names of protocols. Returns 1 when the word is none.
 */
int parse_protocol(struct parser *parser, bool positional);
/* parser_options.c: everything to the end of the rule */
int parse_options(struct parser *parser);

enum address_side { SIDE_SOURCE, SIDE_DESTINATION };
/* parser_address.c: an IPv4 argument: any, me, list or set */
int parse_address4(struct parser *parser, enum address_side side);
/* parser_address6.c: an IPv6 argument: any, me, me6 or list */
int parse_address6(struct parser *parser, enum address_side side);
/*
 * parser_numbers.c: the argument of `name`, a decimal number from 1 to 65534, or `tablearg`. Returns 0 with *number or
 * *tablearg set and the other one zero, or -1 with the error recorded.
 */
int parse_bounded(struct parser *parser, const char *name, __u32 *number, bool *tablearg);
/* parser_table.c: takes the word `tablearg`, if it is here. */
bool parse_tablearg(struct parser *parser);
/* parser_table.c: whether the current word is `table(...`. */
bool parser_at_table(const struct parser *parser);
/* parser_table.c: `table(name[,[type=]value])`, which is here, for the option `code` of that shape. */
int parse_table(struct parser *parser, unsigned int code);
/* parser_state.c: an optional `:name`. Returns the name, the default one if there is none, or NULL with the error
 * recorded. */
const char *parse_state_name(struct parser *parser);
/* parser_state.c: the argument of `check-state`, if it is there. */
int parse_check_state(struct parser *parser);
/* parser_forward.c: the argument of `fwd`, which is here. */
int parse_forward(struct parser *parser);
/*
 * parser_ports.c: a port by number (decimal, octal or hexadecimal; 16 bits of it count) or name of a service, of
 * `protocol` or, if that is 0, of any. *end is `text` when there is none, else where it ends.
 */
__u16 parse_port(const char *text, const char **end, unsigned int protocol);
/*
 * parser_flags.c: a DSCP, the `length` characters at `text`, by number or name. Returns it, or -1 with the error
 * recorded.
 */
int parse_dscp_value(struct parser *parser, const char *text, size_t length);
/* parser_ports.c: a port list for the option `code`. Returns 1, at the same word, when it is none. */
int parse_ports(struct parser *parser, unsigned int code);

#endif
