/* SPDX-License-Identifier: GPL-2.0-only */
/* Actions in listings. */
#include <arpa/inet.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/printer.h"

static void print_code(struct text *text, const struct name_value *names, unsigned int code)
{
	const char *name = names_name(names, code);

	text_character(text, ' ');
	if (name)
		text_add(text, name);
	else
		text_number(text, code);
}

static void print_mtu(struct text *text, const struct action *action)
{
	if (!action->extra)
		return;
	text_character(text, ' ');
	text_number(text, action->extra);
}

static void print_forward(struct text *text, const struct action *action)
{
	const struct forward *forward = action_forward(action);
	char address[INET6_ADDRSTRLEN];

	text_character(text, ' ');
	if (action->flags & ACTION_TABLEARG && !forward->port)
		text_add(text, "tablearg");
	else
		text_add(text, inet_ntop(forward->family == 6 ? AF_INET6 : AF_INET, forward->address, address,
					 sizeof(address)));
	if (forward->interface[0]) {
		text_character(text, '%');
		text_add(text, forward->interface);
	}
	if (forward->port) {
		text_character(text, ',');
		text_number(text, forward->port);
	}
}

static void print_names(struct text *text, const struct action *action, const char *separator, unsigned int count)
{
	const char *name = action_text(action);

	for (; count; count--, name += strlen(name) + 1) {
		text_add(text, separator);
		text_add(text, name);
	}
}

/* An argument that is a word of its own; returns whether it is. */
static bool print_argument_word(struct text *text, const struct action *action, unsigned int kind)
{
	if (action->flags & ACTION_TABLEARG && kind != ACTION_ARGUMENT_FORWARD)
		text_add(text, " tablearg");
	else if (action->flags & ACTION_GLOBAL)
		text_add(text, " global");
	else
		return kind == ACTION_ARGUMENT_NONE;
	return true;
}

void print_action(struct text *text, const struct action *action)
{
	unsigned int kind = action_rows[action->code].argument;

	if (action->code == ACTION_UNREACH && action->argument == UNREACHABLE_HOST) {
		text_add(text, "reject");
		return;
	}
	text_add(text, action_rows[action->code].keyword);
	if (print_argument_word(text, action, kind))
		return;
	switch (kind) {
	case ACTION_ARGUMENT_CODE4:
		print_code(text, names_unreachable_codes, action->argument);
		print_mtu(text, action);
		break;
	case ACTION_ARGUMENT_CODE6:
		print_code(text, names_unreachable6_codes, action->argument);
		break;
	case ACTION_ARGUMENT_DSCP:
		print_code(text, names_dscp, action->argument);
		break;
	case ACTION_ARGUMENT_RETURN: /* what it does by default goes without saying */
		if (action->argument != RETURN_TO_NEXT_NUMBER)
			print_code(text, names_return_to, action->argument);
		break;
	case ACTION_ARGUMENT_MARK:
		text_character(text, ' ');
		text_hexadecimal(text, action->argument);
		break;
	case ACTION_ARGUMENT_FORWARD:
		print_forward(text, action);
		break;
	case ACTION_ARGUMENT_STATE:
		print_names(text, action, " :", 1);
		break;
	case ACTION_ARGUMENT_NAME:
		print_names(text, action, " ", 1);
		break;
	case ACTION_ARGUMENT_NAMES:
		print_names(text, action, " ", 2);
		break;
	default:
		text_character(text, ' ');
		text_number(text, action->argument);
	}
}
