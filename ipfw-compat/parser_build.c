/* SPDX-License-Identifier: GPL-2.0-only */
/* The rule under construction. */
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser.h"
#include "ipfw-compat/parser_keywords.h"

#define OPTION_HEAD offsetof(struct option, u)

struct option *parser_option(struct parser *parser, unsigned int code)
{
	struct option *option = (struct option *)((char *)parser->block + parser->used);

	memset(option, 0, OPTION_HEAD);
	option->code = (__u16)code;
	return option;
}

static bool full_mask4(const struct option *option)
{
	return option->count == 1 && option->u.address4[0].mask == 0xffffffff;
}

static bool full_mask6(const struct option *option)
{
	static const __u8 full[16] = {[0 ... 15] = 0xff};

	return option->count == 1 && !memcmp(option->u.address6[0].mask, full, sizeof(full));
}

/* Numbers of 16 bits that stand alone are part of the instruction itself; ports and EtherTypes are always lists. */
static bool single_number(const struct option *option)
{
	return option->count == 1 && option->u.range[0].low == option->u.range[0].high &&
	       option_rows[option->code].place == PLACE_BODY && option->code != OPTION_MAC_TYPE;
}

static bool wide_number(const struct option *option)
{
	switch (option->code) {
	case OPTION_TCP_SEQUENCE:
	case OPTION_TCP_ACKNOWLEDGMENT:
	case OPTION_UID:
	case OPTION_GID:
		return true;
	default:
		return false;
	}
}

static unsigned int table_words(const struct option *option)
{
	switch (option->code) {
	case OPTION_RECV_TABLE:
	case OPTION_XMIT_TABLE:
	case OPTION_VIA_TABLE:
		return 6;
	default:
		return option->u.table.value_type == TABLE_VALUE_ANY ? 1 : 2;
	}
}

/* 32-bit words that ipfw's instruction for this option takes: the measure of a rule's length. */
static unsigned int instruction_words(const struct option *option, size_t payload)
{
	if (option_rows[option->code].place == PLACE_HEAD)
		return 0; /* not part of the body */
	switch (option_rows[option->code].argument) {
	case ARGUMENT_ADDRESS4:
		return full_mask4(option) ? 2 : 1 + 2u * option->count;
	case ARGUMENT_ADDRESS6:
		return full_mask6(option) ? 5 : 1 + 8u * option->count;
	case ARGUMENT_ADDRESS_SET:
		return 2 + ((1u << (32 - option->u.address_set.prefix_length)) + 31) / 32;
	case ARGUMENT_RANGES:
		return single_number(option) ? 1 : 1u + option->count;
	case ARGUMENT_NUMBERS:
		return 2u + option->count;
	case ARGUMENT_INTERFACE:
		return 6;
	case ARGUMENT_BITMAP:
		return option->code == OPTION_ICMP_TYPES ? 2 : option->code == OPTION_DSCP ? 3 : 8;
	case ARGUMENT_NUMBER:
		return wide_number(option) ? 2 : 1;
	case ARGUMENT_MASKED:
	case ARGUMENT_LOG:
		return 3;
	case ARGUMENT_MAC:
		return 7;
	case ARGUMENT_TABLE:
		return table_words(option);
	case ARGUMENT_LOOKUP:
		return 3;
	case ARGUMENT_LIMIT:
		return 2;
	case ARGUMENT_TEXT:
		if (option->code == OPTION_KEEP_STATE || option->code == OPTION_RECORD_STATE)
			return 1;
		return 1 + (unsigned int)(payload + 3) / 4;
	default:
		return 1;
	}
}

int parser_commit(struct parser *parser, struct option *option, size_t payload)
{
	size_t size = (OPTION_HEAD + payload + 7) & ~(size_t)7;

	parser->instruction_words += instruction_words(option, payload);
	if (parser->instruction_words > BODY_INSTRUCTION_WORDS) {
		parser_fail(parser, EX_DATAERR, "Rule too long");
		return error_advise(parser->error, "split it into several rules");
	}
	memset((char *)option + OPTION_HEAD + payload, 0, size - OPTION_HEAD - payload);
	option->size = (__u16)size;
	option->flags |= parser->not_pending ? OPTION_NOT : 0;
	parser->not_pending = false;
	parser->previous = option;
	parser->used += size;
	parser->rule->option_count++;
	return 0;
}

/* An `or` that nothing followed: ipfw lists it, but the test behind it does not exist. */
static void close_last_block(struct rule *rule)
{
	struct option *last = NULL;

	RULE_FOR_EACH_OPTION (option, rule)
		last = (struct option *)option;
	if (!last || !(last->flags & OPTION_OR))
		return;
	last->flags &= (__u8)~OPTION_OR;
	rule->flags |= RULE_OPEN_BLOCK;
}

/* What ipfw leaves to its kernel: arguments that are well-formed and still too much; and what we cannot do yet. */
static int check_limits(struct parser *parser)
{
	if (parser->refused_word >= 0) {
		error_set(parser->error, EX_UNAVAILABLE, parser->refused_word,
			  "getsockopt(IP_FW_XADD): Invalid argument");
		return error_advise(parser->error, "%s", parser->refused_reason);
	}
	if (parser->later_word < 0 || !parser->context || !parser->context->install)
		return 0;
	error_set(parser->error, EX_UNAVAILABLE, parser->later_word, "%s: not supported yet", parser->later_text);
	return error_advise(parser->error, "ipfw has it, this version of ipfw-bpf does not; the rule was not added");
}

void parser_refuse(struct parser *parser, const char *reason)
{
	if (parser->refused_word >= 0)
		return;
	parser->refused_word = parser->position;
	parser->refused_reason = reason;
}

bool parser_has(const struct parser *parser, unsigned int code)
{
	for (size_t at = sizeof(struct rule); at < parser->used;) {
		const struct option *option = (const struct option *)((const char *)parser->block + at);

		if (option->code == code)
			return true;
		at += option->size;
	}
	return false;
}

void *parser_action_payload(struct parser *parser, size_t size)
{
	parser->action_payload_size = size;
	return memset(parser->action_payload, 0, sizeof(parser->action_payload));
}

/* Moves the option `code`, if the rule has it, behind all others. */
static void move_to_end(struct parser *parser, unsigned int code)
{
	__u64 copy[(sizeof(struct option) + OBJECT_NAME_MAX) / sizeof(__u64)];
	char *end = (char *)parser->block + parser->used;

	for (char *at = (char *)parser->rule->options; at < end;) {
		size_t size = ((struct option *)at)->size;

		if (((struct option *)at)->code != code) {
			at += size;
			continue;
		}
		memcpy(copy, at, size);
		memmove(at, at + size, (size_t)(end - at) - size);
		memcpy(end - size, copy, size);
		((struct option *)(end - size))->flags &= (__u8)~OPTION_OR; /* it has left its or-block */
		return;
	}
}

/* Those that parser_finish() puts behind all others. */
static const unsigned int last_options[] = {OPTION_KEEP_STATE, OPTION_RECORD_STATE, OPTION_LIMIT, OPTION_SET_LIMIT,
					    OPTION_DEFER_ACTION};

/*
 * Whether the first of the options at the end became an alternative to the one in front of it, by an `or` that nothing
 * followed: ipfw takes that, and lists a rule that it does not take.
 */
static bool last_is_alternative(const struct parser *parser)
{
	bool alternative = false;

	for (size_t at = sizeof(struct rule); at < parser->used;) {
		const struct option *option = (const struct option *)((const char *)parser->block + at);

		for (size_t i = 0; i < sizeof(last_options) / sizeof(last_options[0]); i++)
			if (option->code == last_options[i])
				return alternative;
		alternative = option->flags & OPTION_OR;
		at += option->size;
	}
	return false;
}

static int order_options(struct parser *parser)
{
	bool deferred = parser_has(parser, OPTION_DEFER_ACTION), state = false;

	for (size_t i = 0; i < sizeof(last_options) / sizeof(last_options[0]); i++) {
		state |= last_options[i] != OPTION_DEFER_ACTION && parser_has(parser, last_options[i]);
		move_to_end(parser, last_options[i]);
	}
	if (last_is_alternative(parser)) {
		error_set(parser->error, EX_USAGE, parser->or_word, "invalid \"or\" block");
		return error_advise(parser->error, "no test follows this `or'; options of states are no alternatives");
	}
	if (deferred && !state)
		parser_warn(parser, "Rule contains \"defer-immediate-action\" and doesn't contain any state-related "
				    "options.");
	return 0;
}

struct rule *parser_finish(struct parser *parser)
{
	struct rule *rule = parser->rule;
	char *action = (char *)parser->block + parser->used;
	size_t payload = (parser->action_payload_size + 7) & ~(size_t)7;

	if ((parser->has_state && order_options(parser)) || check_limits(parser))
		return NULL;
	rule->options_size = (__u16)(parser->used - sizeof(*rule));
	close_last_block(rule);
	parser->action.size = (__u16)(sizeof(parser->action) + payload);
	memcpy(action, &parser->action, sizeof(parser->action));
	memcpy(action + sizeof(parser->action), parser->action_payload, payload);
	rule->size = (__u32)(parser->used + parser->action.size);
	rule = rule_clone(rule);
	if (!rule)
		parser_fail(parser, EX_OSERR, "out of memory");
	return rule;
}
