/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/rule_text.h"

struct rule *rule_from_text(const char *text, const struct parse_context *context, struct error *error)
{
	static const struct parse_context plain;
	struct words words = {0};
	struct rule *rule = NULL;

	error_clear(error);
	if (!words_split(&words, text, error))
		rule = rule_parse(&words, 0, context ? context : &plain, error);
	words_free(&words);
	return rule;
}
