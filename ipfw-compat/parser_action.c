/* SPDX-License-Identifier: GPL-2.0-only */
/* Actions and their arguments. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser.h"
#include "ipfw-compat/parser_keywords.h"

#define DSCP_BITS 0x3f
#define MTU_MIN 68 /* RFC 791: every network carries this */

/* Whether an argument is there; if not, `missing` says so. */
static bool argument_follows(struct parser *parser, const char *missing, const char *example)
{
	if (parser->word)
		return true;
	parser_fail(parser, EX_USAGE, "%s", missing);
	error_advise(parser->error, "an argument follows, as in `%s'", example);
	return false;
}

/* Takes the word `tablearg`, if it is here. */
static bool take_tablearg(struct parser *parser)
{
	if (!parse_tablearg(parser))
		return false;
	parser->action.flags |= ACTION_TABLEARG;
	return true;
}

/* A divert socket may be named by a service of that protocol. */
static int parse_divert_service(struct parser *parser)
{
	int port = service_port(parser->word, "divert");

	if (port < 0) {
		parser_fail(parser, EX_DATAERR, "illegal divert/tee port");
		return error_advise(parser->error, "a port is 1 to %d, in decimal", RULE_NUMBER_DEFAULT - 1);
	}
	parser->action.argument = (__u32)port;
	parser_next(parser);
	return 0;
}

/* The number of a rule, a pipe, a socket..., or tablearg. As in ipfw the number is 16 bits wide. */
static int parse_action_number(struct parser *parser, const char *action)
{
	bool number = parser->word && isdigit((unsigned char)*parser->word);

	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "missing argument for %s", action);
		return error_advise(parser->error, "a number follows, as in `%s 1000'", action);
	}
	if (!number && take_tablearg(parser))
		return 0;
	if (!number && action_rows[parser->action.code].argument == ACTION_ARGUMENT_PORT)
		return parse_divert_service(parser);
	if (number)
		parser->action.argument = (__u16)strtoul(parser->word, NULL, 10);
	if (!parser->action.argument || parser->action.argument == RULE_NUMBER_DEFAULT) {
		parser_fail(parser, EX_DATAERR, "illegal argument for %s", action);
		return error_advise(parser->error, "the number is 1 to %d, in decimal", RULE_NUMBER_DEFAULT - 1);
	}
	parser_next(parser);
	return 0;
}

static int parse_nat(struct parser *parser, const char *action)
{
	if (!parser_at(parser, "global"))
		return parse_action_number(parser, action);
	parser->action.flags |= ACTION_GLOBAL;
	parser_next(parser);
	return 0;
}

/* Copies the name of a module or an instance, which `what` is, to `name`. */
static int parse_name(struct parser *parser, const char *what, char *name)
{
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "Missing eaction %s", what);
		return error_advise(parser->error, "a name follows");
	}
	if (!object_name_valid(parser->word, strlen(parser->word))) {
		parser_fail(parser, EX_DATAERR, "Invalid eaction %s %s", what, parser->word);
		return error_advise(parser->error, "a name is 1 to %d letters, digits and any of - _ .",
				    OBJECT_NAME_MAX - 1);
	}
	strcpy(name, parser->word);
	parser_next(parser);
	return 0;
}

static int parse_instance(struct parser *parser)
{
	char name[OBJECT_NAME_MAX];

	if (parse_name(parser, "instance name", name))
		return -1;
	strcpy(parser_action_payload(parser, strlen(name) + 1), name);
	return 0;
}

static int parse_module(struct parser *parser)
{
	char module[OBJECT_NAME_MAX], instance[OBJECT_NAME_MAX], *payload;

	if (parse_name(parser, "name", module) || parse_name(parser, "instance name", instance))
		return -1;
	payload = parser_action_payload(parser, strlen(module) + strlen(instance) + 2);
	strcpy(payload, module);
	strcpy(payload + strlen(module) + 1, instance);
	return 0;
}

/* An ICMP code by number, 0 to 255, or by its name in `names`. Returns -1 when it is neither. */
static int code_value(const char *word, const struct name_value *names)
{
	char *end;
	int value = (int)strtoul(word, &end, 0);

	if (end == word || *end || value > 0xff)
		return names_value(names, word, strlen(word));
	return value;
}

/*
 * `needfrag` may be followed by an MTU, but also by a protocol number (unreach needfrag 17 from ...), which `from`
 * follows.
 */
static int parse_mtu(struct parser *parser)
{
	const char *next;
	unsigned long mtu;

	if (parser->action.argument != UNREACHABLE_NEEDFRAG || !parser->word || !isdigit((unsigned char)*parser->word))
		return 0;
	next = parser->words->word[parser->position + 1];
	if (next && !strcmp(next, "from"))
		return 0;
	mtu = strtoul(parser->word, NULL, 10);
	if (mtu < MTU_MIN || mtu > 0xffff) {
		parser_fail(parser, EX_DATAERR, "illegal argument for needfrag");
		return error_advise(parser->error, "an MTU is %d to 65535 bytes", MTU_MIN);
	}
	parser->action.extra = (__u16)mtu;
	parser_next(parser);
	return 0;
}

static int parse_code(struct parser *parser, const struct name_value *names, const char *missing, const char *unknown)
{
	char list[256];
	int code;

	names_list(names, list, sizeof(list));
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "%s", missing);
		return error_advise(parser->error, "a number from 0 to 255 or one of %s", list);
	}
	code = code_value(parser->word, names);
	if (code < 0) {
		parser_fail(parser, EX_DATAERR, "unknown %s unreachable code ``%s''", unknown, parser->word);
		return error_advise(parser->error, "a code is a number from 0 to 255 or one of %s", list);
	}
	parser->action.argument = (__u32)code;
	parser_next(parser);
	return 0;
}

/* Where `return` goes on may be left out. */
static int parse_return(struct parser *parser)
{
	int value = parser->word ? names_value(names_return_to, parser->word, strlen(parser->word)) : -1;

	if (value < 0)
		return 0;
	parser->action.argument = (__u32)value;
	parser_next(parser);
	return 0;
}

static int parse_set_dscp(struct parser *parser)
{
	int value;

	if (!argument_follows(parser, "missing DSCP code", "setdscp ef"))
		return -1;
	if (take_tablearg(parser))
		return 0;
	if (isalpha((unsigned char)*parser->word)) {
		value = parse_dscp_value(parser, parser->word, strlen(parser->word));
		if (value < 0)
			return -1;
		parser->action.argument = (__u32)value;
	} else {
		parser->action.argument = strtoul(parser->word, NULL, 10) & DSCP_BITS;
	}
	parser_next(parser);
	return 0;
}

/* As in ipfw the number is 16 bits wide. */
static int parse_set_fib(struct parser *parser)
{
	if (!argument_follows(parser, "missing fib number", "setfib 1"))
		return -1;
	if (take_tablearg(parser))
		return 0;
	parser->action.argument = (__u16)strtoul(parser->word, NULL, 10);
	if (parser->action.argument >= ROUTING_TABLES) {
		parser_fail(parser, EX_DATAERR, "fib too large.");
		return error_advise(parser->error, "routing tables are 0 to %d", ROUTING_TABLES - 1);
	}
	parser_next(parser);
	return 0;
}

static int parse_set_mss(struct parser *parser)
{
	unsigned long mss;

	if (!argument_follows(parser, "Missing MSS value", "tcp-setmss 1400"))
		return -1;
	mss = strtoul(parser->word, NULL, 10);
	if (!mss || mss > 0xffff) {
		parser_fail(parser, EX_USAGE, "invalid MSS value %s", parser->word);
		return error_advise(parser->error, "a maximum segment size is 1 to 65535");
	}
	parser->action.argument = (__u32)mss;
	parser_next(parser);
	return 0;
}

static int parse_set_mark(struct parser *parser)
{
	if (!argument_follows(parser, "missing mark", "setmark 0x10"))
		return -1;
	if (take_tablearg(parser))
		return 0;
	parser->action.argument = (__u32)strtoul(parser->word, NULL, 0);
	parser_next(parser);
	return 0;
}

/* `reject` is the one alias that brings its code along. */
static int parse_unreachable(struct parser *parser, const char *action)
{
	if (!strcmp(action, "reject")) {
		parser->action.argument = UNREACHABLE_HOST;
		return 0;
	}
	if (parse_code(parser, names_unreachable_codes, "missing reject code", "ICMP"))
		return -1;
	return parse_mtu(parser);
}

static int parse_argument(struct parser *parser, const char *action)
{
	switch (action_rows[parser->action.code].argument) {
	case ACTION_ARGUMENT_RULE:
	case ACTION_ARGUMENT_NUMBER:
	case ACTION_ARGUMENT_PORT:
		return parse_action_number(parser, action);
	case ACTION_ARGUMENT_CODE4:
		return parse_unreachable(parser, action);
	case ACTION_ARGUMENT_CODE6:
		return parse_code(parser, names_unreachable6_codes, "missing unreach code", "ICMPv6");
	case ACTION_ARGUMENT_RETURN:
		return parse_return(parser);
	case ACTION_ARGUMENT_DSCP:
		return parse_set_dscp(parser);
	case ACTION_ARGUMENT_FIB:
		return parse_set_fib(parser);
	case ACTION_ARGUMENT_MSS:
		return parse_set_mss(parser);
	case ACTION_ARGUMENT_MARK:
		return parse_set_mark(parser);
	case ACTION_ARGUMENT_NAT:
		return parse_nat(parser, action);
	case ACTION_ARGUMENT_FORWARD:
		return argument_follows(parser, "missing forward address[:port]", "fwd 192.0.2.1")
			       ? parse_forward(parser)
			       : -1;
	case ACTION_ARGUMENT_STATE:
		return parse_check_state(parser);
	case ACTION_ARGUMENT_NAME:
		return parse_instance(parser);
	case ACTION_ARGUMENT_NAMES:
		return parse_module(parser);
	default:
		return 0;
	}
}

int parse_action(struct parser *parser)
{
	const struct keyword *keyword;
	const char *action = parser->word;
	char advice[256];

	if (!action) {
		keyword_advise(PLACE_OF_ACTION, "", advice, sizeof(advice));
		parser_fail(parser, EX_USAGE, "missing action");
		return error_advise(parser->error, "%s", advice);
	}
	keyword = keyword_find(PLACE_OF_ACTION, action);
	if (!keyword) {
		keyword_advise(PLACE_OF_ACTION, action, advice, sizeof(advice));
		parser_fail(parser, EX_DATAERR, "invalid action %s", action);
		return error_advise(parser->error, "%s", advice);
	}
	if (keyword->kind == KEYWORD_OPTION) { /* a comment alone is a `count` rule */
		parser->action.code = ACTION_COUNT;
		return 0;
	}
	parser_needs(parser, action_rows[keyword->code].later);
	parser->action.code = keyword->code;
	parser_next(parser);
	return parse_argument(parser, action);
}
