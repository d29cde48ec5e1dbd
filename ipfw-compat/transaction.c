/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/listing.h"

int transaction_begin(struct transaction *transaction, bool rules_file, struct error *error)
{
	memset(transaction, 0, sizeof(*transaction));
	transaction->rules_file = rules_file;
	transaction->out = open_memstream(&transaction->text, &transaction->text_size);
	if (!transaction->out)
		return error_set(error, EX_OSERR, -1, "%s", strerror(errno));
	return 0;
}

int transaction_open(struct transaction *transaction, enum firewall_access access, struct error *error)
{
	struct firewall *firewall;
	int result;

	if (transaction->firewall)
		return 0;
	if (transaction->rules_file)
		access = FIREWALL_WRITE;
	transaction->refused = firewall_open(&firewall, access, error);
	if (transaction->refused)
		return -1;
	result = ruleset_clone(&transaction->ruleset, firewall_ruleset(firewall));
	if (result) {
		firewall_close(firewall);
		return error_set(error, EX_OSERR, -1, "%s", strerror(-result));
	}
	transaction->variables = *firewall_variables(firewall);
	transaction->firewall = firewall;
	return 0;
}

static __u32 round_up_to_power(__u32 value)
{
	__u32 power = 1;

	while (power && power < value)
		power <<= 1;
	return power;
}

int transaction_open_tables(struct transaction *transaction, enum firewall_access access, struct error *error)
{
	if (transaction_open(transaction, access, error))
		return -1;
	if (transaction->tables)
		return 0;
	transaction->tables = calloc(1, sizeof(*transaction->tables));
	if (!transaction->tables)
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	return firewall_tables(transaction->firewall, transaction->tables, error);
}

struct table *transaction_make_table(struct transaction *transaction, const struct table_info *info)
{
	if (transaction->tables->count >= transaction->variables.value[VARIABLE_TABLES_MAX])
		return NULL;
	transaction->tables_changed = true;
	return tables_make(transaction->tables, info);
}

__u32 transaction_variable(const struct transaction *transaction, enum variable variable)
{
	struct dynamic_totals totals = {0};

	switch (variable) {
	case VARIABLE_STATIC_COUNT:
		return (__u32)ruleset_present(&transaction->ruleset);
	case VARIABLE_DYN_COUNT:
		firewall_dynamic_totals(transaction->firewall, &totals);
		return totals.states;
	case VARIABLE_DYN_PARENT_COUNT:
		firewall_dynamic_totals(transaction->firewall, &totals);
		return totals.parents;
	case VARIABLE_CURRENT_DYN_BUCKETS:
		firewall_dynamic_totals(transaction->firewall, &totals);
		return round_up_to_power(totals.room);
	default:
		return transaction->variables.value[variable];
	}
}

int transaction_reset(struct transaction *transaction, const struct rule *rule, unsigned int what)
{
	if (!rule_find_option(rule, OPTION_LOG))
		what &= ~RESET_LOG;
	if (!rule_state_option(rule))
		what &= ~RESET_STATES;
	if (rule->slot == RULE_SLOT_NEW || !what)
		return 0;
	if (!transaction->resets)
		transaction->resets = calloc(COUNTER_SLOTS, sizeof(*transaction->resets));
	if (!transaction->resets)
		return -ENOMEM;
	transaction->resets[rule->slot] |= what;
	return 0;
}

int transaction_counters(struct transaction *transaction, const struct rule *rule, struct counters *counters,
			 struct error *error)
{
	int result;

	memset(counters, 0, sizeof(*counters));
	if (rule->slot == RULE_SLOT_NEW || !firewall_loaded(transaction->firewall))
		return 0;
	if (transaction->resets && transaction->resets[rule->slot] & RESET_COUNTERS)
		return 0;
	result = firewall_counters(transaction->firewall, rule->slot, counters);
	if (result)
		return error_set(error, EX_OSERR, -1, "counters of rule %u: %s", rule->number, strerror(-result));
	return 0;
}

/* Writes which slots are marked so; NULL if none is. The caller frees it. Returns 0 or -errno. */
static int reset_marks(const struct transaction *transaction, unsigned int what, bool **slots)
{
	bool any = false;

	*slots = calloc(COUNTER_SLOTS, sizeof(**slots));
	if (!*slots)
		return -ENOMEM;
	for (__u32 slot = 0; slot < COUNTER_SLOTS; slot++)
		any |= (*slots)[slot] = transaction->resets[slot] & what;
	if (!any) {
		free(*slots);
		*slots = NULL;
	}
	return 0;
}

static int reset_counters(const struct transaction *transaction)
{
	bool *slots;
	int result = reset_marks(transaction, RESET_COUNTERS, &slots);

	if (slots)
		result = firewall_zero(transaction->firewall, slots);
	free(slots);
	return result;
}

/* Ends the dynamic rules of all rules that are marked so. */
static int reset_states(const struct transaction *transaction, struct error *error)
{
	bool *slots;
	int result = reset_marks(transaction, RESET_STATES, &slots);

	if (slots)
		result = firewall_delete_dynamic(transaction->firewall, slots);
	free(slots);
	return result ? error_set(error, EX_OSERR, -1, "deleting dynamic rules: %s", strerror(-result)) : 0;
}

static int reset_slots(struct transaction *transaction, struct error *error)
{
	int result;

	if (!transaction->resets || !firewall_loaded(transaction->firewall))
		return 0;
	result = reset_counters(transaction);
	for (__u32 slot = 0; !result && slot < COUNTER_SLOTS; slot++)
		if (transaction->resets[slot] & RESET_LOG)
			result = firewall_reset_log(transaction->firewall, slot);
	if (result)
		return error_set(error, EX_OSERR, -1, "resetting counters: %s", strerror(-result));
	return reset_states(transaction, error);
}

/* The rules, and with them the tables that change at the same moment. */
static int commit_rules(struct transaction *transaction, struct error *error)
{
	struct firewall *firewall = transaction->firewall;

	if (transaction->tables_changed && firewall_tables_prepare(firewall, transaction->tables, error))
		return -1;
	if (!firewall_commit(firewall, &transaction->ruleset, listing_describe, error))
		return 0;
	if (transaction->tables_changed)
		firewall_tables_withdraw(firewall);
	return -1;
}

static int commit(struct transaction *transaction, struct error *error)
{
	if (!transaction->firewall)
		return 0;
	transaction->ruleset.switches = variables_switches(&transaction->variables);
	transaction->ruleset.linear = transaction->linear;
	if (transaction->changed && commit_rules(transaction, error))
		return -1;
	if (transaction->tables_changed && firewall_tables_commit(transaction->firewall, transaction->tables, error))
		return -1;
	if (reset_slots(transaction, error))
		return -1;
	if (!memcmp(&transaction->variables, firewall_variables(transaction->firewall), sizeof(transaction->variables)))
		return 0;
	return firewall_set_variables(transaction->firewall, &transaction->variables, listing_describe, error);
}

/* Releases all but the collected output. */
static void close_firewall(struct transaction *transaction)
{
	firewall_close(transaction->firewall);
	transaction->firewall = NULL;
	ruleset_free(&transaction->ruleset);
	ruleset_free(&transaction->removed);
	free(transaction->resets);
	transaction->resets = NULL;
	if (transaction->tables)
		tables_free(transaction->tables);
	free(transaction->tables);
	transaction->tables = NULL;
}

int transaction_finish(struct transaction *transaction, struct error *error)
{
	int result = commit(transaction, error);

	close_firewall(transaction);
	if (!result && fflush(transaction->out) == 0) {
		fwrite(transaction->text, 1, transaction->text_size, stdout);
		fflush(stdout);
	}
	transaction_abandon(transaction);
	return result;
}

void transaction_abandon(struct transaction *transaction)
{
	close_firewall(transaction);
	if (transaction->out)
		fclose(transaction->out);
	free(transaction->text);
	memset(transaction, 0, sizeof(*transaction));
}
