/* SPDX-License-Identifier: GPL-2.0-only */
/* Who owns a socket. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

#define CONTROL_GROUP_MAX 255 /* characters of a path; what is longer makes the rule too long */

int parse_owner(struct parser *parser, unsigned int code)
{
	bool user = code == OPTION_UID;
	struct option *option = parser_option(parser, code);
	__u32 number;

	if (!(user ? user_find(parser->word, &number) : group_find(parser->word, &number))) {
		parser_fail(parser, EX_DATAERR, "%s \"%s\" nonexistent", option_rows[code].keyword, parser->word);
		return error_advise(parser->error, "a %s is a name or a number that `getent %s' lists",
				    user ? "user" : "group", user ? "passwd" : "group");
	}
	option->u.number = number;
	parser_next(parser);
	return parser_commit(parser, option, sizeof(option->u.number));
}

/* A control group: its path, from the root of their file system, or its id in decimal. */
int parse_jail(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	const char *word = parser->word;
	size_t digits = strspn(word + (*word == '-'), "0123456789"), length = strlen(word);
	bool number = digits && digits + (*word == '-') == length;

	if ((!strchr(word, '/') && !number) || length > CONTROL_GROUP_MAX) {
		parser_fail(parser, EX_DATAERR, "jail \"%s\" not found", word);
		return error_advise(parser->error,
				    "here a jail is a control group: a path as system.slice/nginx.service, "
				    "or the number of its directory (ls -di)");
	}
	memcpy(option->u.text, word, length + 1);
	parser_next(parser);
	return parser_commit(parser, option, length + 1);
}
