/* SPDX-License-Identifier: GPL-2.0-only */
/* enable, disable, set, status, down, and the commands that only have a name yet. */
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command.h"

int command_unsupported(struct command_call *call)
{
	return command_refuse(call, EX_UNAVAILABLE, -1, NULL, "%s: not supported yet", call->name);
}

/* What `enable` and `disable` set besides `firewall`, which is two variables. */
static const struct {
	const char *keyword;
	enum variable variable;
} switched[] = {{"one_pass", VARIABLE_ONE_PASS},
		{"debug", VARIABLE_DEBUG},
		{"verbose", VARIABLE_VERBOSE},
		{"dyn_keepalive", VARIABLE_DYN_KEEPALIVE}};

/* What ipfw also switches, and how each stands while it cannot be switched here. */
static const struct {
	const char *keyword;
	bool enabled;
} fixed[] = {{"altq", false}};

static int set_variables(struct command_call *call, enum variable one, enum variable other, bool value)
{
	struct error error;

	if (call->options->test_only)
		return 0;
	error_clear(&error);
	if (transaction_open(call->transaction, FIREWALL_WRITE, &error))
		return command_fail(call, &error);
	call->transaction->variables.value[one] = value;
	call->transaction->variables.value[other] = value;
	return 0;
}

static int enable(struct command_call *call, bool enable)
{
	const char *advice = "firewall, one_pass, debug, verbose or dyn_keepalive", *word = command_argument(call, 0);

	/* Neither of these two mistakes is a failure to ipfw. */
	if (!word) {
		command_refuse(call, EX_USAGE, -1, advice, "missing keyword to enable/disable");
		return 0;
	}
	if (command_keyword(call, word, "firewall"))
		return set_variables(call, VARIABLE_ENABLE_IP4, VARIABLE_ENABLE_IP6, enable);
	for (size_t i = 0; i < sizeof(switched) / sizeof(switched[0]); i++)
		if (command_keyword(call, word, switched[i].keyword))
			return set_variables(call, switched[i].variable, switched[i].variable, enable);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!command_keyword(call, word, fixed[i].keyword))
			continue;
		if (enable == fixed[i].enabled)
			return 0;
		return command_refuse(call, EX_UNAVAILABLE, 0, NULL, "%s: not supported yet", fixed[i].keyword);
	}
	command_refuse(call, EX_USAGE, 0, advice, "unrecognize enable/disable keyword: %s", word);
	return 0;
}

int command_enable(struct command_call *call)
{
	return enable(call, true);
}

int command_disable(struct command_call *call)
{
	return enable(call, false);
}

int command_status(struct command_call *call)
{
	const char *word = command_argument(call, 0);
	struct error error;

	error_clear(&error);
	if (word && strcmp(word, "-v"))
		return command_refuse(call, EX_USAGE, 0, "status [-v]", "status: unknown word %s", word);
	if (call->options->test_only)
		return 0;
	if (transaction_open(call->transaction, FIREWALL_READ, &error) ||
	    firewall_status(call->transaction->firewall, word, call->transaction->out, &error))
		return command_fail(call, &error);
	return 0;
}

int command_down(struct command_call *call)
{
	struct error error;

	error_clear(&error);
	if (call->options->test_only)
		return 0;
	if (transaction_open(call->transaction, FIREWALL_DOWN, &error) ||
	    firewall_down(call->transaction->firewall, &error))
		return command_fail(call, &error);
	return 0;
}
