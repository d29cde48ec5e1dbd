/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts and what they give; test_parser.c checks that each row of options.def and actions.def has its cases. */
#ifndef UNIT_RULE_CASES_H
#define UNIT_RULE_CASES_H

#include <sysexits.h>

#include "ipfw/rule.h"

enum case_kind { VALID, INVALID, NEGATED, ALTERNATIVE, CASE_KINDS };

static const char *const kind_names[CASE_KINDS] = {"valid", "invalid", "not", "or-block"};

struct rule_case {
	int code; /* of the row that the case stands for */
	enum case_kind kind;
	const char *text;
	const char *expected; /* the listing, or the message when exit_code is not 0 */
	int exit_code;
	int word; /* index of the offending word */
};

/* exit_code and word are left out where a text is taken */
#define CASE_REST(text, expected, exit_code, word, ...) text, expected, exit_code, word
#define OPTION_CASE(code, kind, ...)                                                                                   \
	{                                                                                                              \
		OPTION_##code, kind, CASE_REST(__VA_ARGS__, 0, 0, 0)                                                   \
	}
static const struct rule_case option_cases[] = {
#include "selftests/unit/rule_cases_ends.h"
#include "selftests/unit/rule_cases_headers.h"
#include "selftests/unit/rule_cases_context.h"
#include "selftests/unit/rule_cases_tables.h"
#include "selftests/unit/rule_cases_states.h"
};

#define ACTION_CASE(code, kind, ...)                                                                                   \
	{                                                                                                              \
		ACTION_##code, kind, CASE_REST(__VA_ARGS__, 0, 0, 0)                                                   \
	}
static const struct rule_case action_cases[] = {
#include "selftests/unit/rule_cases_actions.h"
};

/* What stands around action and body, and what rules have in common. */
static const struct rule_case other_cases[] = {
	{0, VALID, "set 31x allow in", "allow in", 0, 0},
	{0, INVALID, "100", "missing action", EX_USAGE, 1},
	{0, INVALID, "set 32 allow in", "illegal set 32", EX_DATAERR, 1},
	{0, INVALID, "set", "invalid action set", EX_DATAERR, 0},
	{0, INVALID, "100 200 allow in", "invalid action 200", EX_DATAERR, 1},
	{0, INVALID, "65535 allow in", "getsockopt(IP_FW_XADD): Invalid argument", EX_UNAVAILABLE, 0},
	{0, INVALID, "65535 allow bogus", "unrecognised option [-1] bogus", EX_USAGE, 2},
	{0, INVALID, "allow tag 1 tcp", "missing ``from''", EX_USAGE, 4},
	{0, INVALID, "allow ip from 1.2.3.4 or 5.6.7.8 to any", "invalid OR block", EX_DATAERR, 4},
	{0, INVALID, "allow ip from { any or me } to any", "invalid OR block", EX_DATAERR, 5},
	{0, INVALID, "allow in or out", "invalid \"or\" block", EX_USAGE, 2},
	{0, INVALID, "allow { in or { out } }", "+nested \"(\" not allowed", EX_USAGE, 4},
	{0, INVALID, "allow in }", "+missing \")\"", EX_USAGE, 2},
	{0, INVALID, "allow ip from {1.2.3.4 or 2.3.4.5} to any", "hostname ``2.3.4.5}'' unknown", EX_NOHOST, 5},
	{0, INVALID, "allow !", "unrecognised option [-1] ", EX_USAGE, 1},
	{0, VALID, "allow {tcp or udp } from any to any", "allow { tcp or udp } from any to any", 0, 0},
	{0, VALID, "allow all from any any to any any", "allow ip from any to any", 0, 0},
	{0, VALID, "allow ip from { me or 1.2.3.4 } 80 to ( me6 or not ::1 ) not 22 in",
	 "allow ip from { me or 1.2.3.4 } 80 to { me6 or not ::1 } not 22 in", 0, 0},
};

#endif
