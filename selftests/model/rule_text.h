/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_RULE_TEXT_H
#define MODEL_RULE_TEXT_H

#include "ipfw-compat/language.h"

/*
 * Parses what comes behind `add`, as one string. `context` may be NULL. Returns the rule, to be freed with free(), or
 * NULL with *error set.
 */
struct rule *rule_from_text(const char *text, const struct parse_context *context, struct error *error);

#endif
