/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening, reading and switching the firewall; commit and down have files of their own. */
#include "loader/firewall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/configuration.h"
#include "loader/generation.h"
#include "loader/gone.h"
#include "loader/log.h"
#include "loader/programs.h"
#include "loader/state.h"
#include "maps/counters.h"
#include "maps/log_counts.h"
#include "maps/states.h"
#include "maps/store.h"
#include "maps/tables.h"

static bool writes(const struct firewall *firewall)
{
	return firewall->access == FIREWALL_WRITE || firewall->access == FIREWALL_RULES;
}

/* The rule that always exists: 65535 in set 31. */
static int add_default_rule(struct ruleset *ruleset, bool accept)
{
	struct rule *rule = calloc(1, sizeof(*rule) + sizeof(struct action));
	struct action *action;

	if (!rule)
		return -ENOMEM;
	rule->size = sizeof(*rule) + sizeof(*action);
	rule->number = RULE_NUMBER_DEFAULT;
	rule->set = RULE_SET_DEFAULT;
	rule->slot = COUNTER_SLOT_DEFAULT;
	rule->flags = RULE_NO_ADDRESSES;
	action = (struct action *)rule->options;
	action->code = accept ? ACTION_ALLOW : ACTION_DENY;
	action->size = sizeof(*action);
	if (ruleset_insert(ruleset, rule)) {
		free(rule);
		return -ENOMEM;
	}
	return 0;
}

static int read_active(struct firewall *firewall, struct error *error)
{
	const struct control *control = firewall->lasting.control;
	char path[PINS_PATH_MAX];
	int fd, result;

	pins_generation_path(path, &firewall->pins, control->generation, generation_map_names[GENERATION_RULESET]);
	fd = pins_get(path);
	if (fd < 0)
		return error_set(error, EX_OSERR, -1, "cannot open the stored ruleset %s: %s", pins_shown(path),
				 strerror(-fd));
	result = store_read(fd, &firewall->ruleset, error);
	close(fd);
	if (result)
		return result;
	firewall->compiled_switches = firewall->ruleset.switches;
	if (!control->enabled)
		firewall->ruleset.switches = RULESET_NONE | (firewall->ruleset.switches & RULESET_FORWARD);
	variables_load(&firewall->variables, control, firewall->ruleset.switches);
	return 0;
}

/* What the first commit begins with. */
static int read_inactive(struct firewall *firewall, struct error *error)
{
	const struct control *control = firewall->lasting.control;
	int result;

	if (control)
		variables_load(&firewall->variables, control, control->start_switches);
	else
		configuration_read(&firewall->variables);
	firewall->ruleset.switches = variables_switches(&firewall->variables);
	result = add_default_rule(&firewall->ruleset, firewall->variables.value[VARIABLE_DEFAULT_ACCEPT]);
	return result ? error_set(error, EX_OSERR, -1, "%s", strerror(-result)) : 0;
}

/* Removes what a commit that did not get to its end has left, or completes it. Returns 0, or -1 with *error set. */
static int sweep(struct firewall *firewall, struct error *error)
{
	const struct control *control = firewall->lasting.control;
	int result;

	if (!control->generation)
		generation_unpin(&firewall->pins, 0);
	generation_unpin(&firewall->pins, control->generation + 1);
	result = tables_recover(&firewall->lasting);
	return result ? error_set(error, EX_OSERR, -1, "cannot complete a change of tables: %s", strerror(-result)) : 0;
}

static int read_state(struct firewall *firewall, struct error *error)
{
	const struct control *control;

	if (lasting_open(&firewall->lasting, &firewall->pins, firewall->access != FIREWALL_READ, error))
		return -1;
	control = firewall->lasting.control;
	if (firewall->lasting.alien && firewall->access != FIREWALL_DOWN)
		return lasting_alien(&firewall->lasting, error);
	if (control && writes(firewall) && sweep(firewall, error))
		return -1;
	if (firewall->access == FIREWALL_DOWN)
		return 0;
	return control && control->generation ? read_active(firewall, error) : read_inactive(firewall, error);
}

int firewall_open(struct firewall **firewall, enum firewall_access access, struct error *error)
{
	struct firewall *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	log_begin();
	opened->access = access;
	/* Without memory for it the commit says so. */
	if (access == FIREWALL_RULES)
		opened->begun = programs_prepare();
	if (pins_open(&opened->pins, access != FIREWALL_READ, error)) {
		programs_end(opened->begun);
		free(opened);
		return -1;
	}
	if (read_state(opened, error)) {
		firewall_close(opened);
		return -1;
	}
	*firewall = opened;
	return 0;
}

void firewall_close(struct firewall *firewall)
{
	if (!firewall)
		return;
	programs_end(firewall->begun);
	explain_close(firewall->explain);
	lasting_close(&firewall->lasting);
	pins_close(&firewall->pins);
	ruleset_free(&firewall->ruleset);
	free(firewall->sums);
	free(firewall);
}

bool firewall_loaded(const struct firewall *firewall)
{
	return firewall->lasting.control && firewall->lasting.control->generation;
}

bool firewall_enabled(const struct firewall *firewall)
{
	return firewall_loaded(firewall) && firewall->lasting.control->enabled;
}

const struct ruleset *firewall_ruleset(const struct firewall *firewall)
{
	return &firewall->ruleset;
}

const struct variables *firewall_variables(const struct firewall *firewall)
{
	return &firewall->variables;
}

int firewall_check_write(const struct firewall *firewall, struct error *error)
{
	if (writes(firewall))
		return 0;
	return error_set(error, EX_SOFTWARE, -1, "the firewall was opened for reading only");
}

int firewall_make(struct firewall *firewall, struct error *error)
{
	if (firewall->lasting.control)
		return 0;
	return lasting_make(&firewall->lasting, &firewall->pins, store_object_path(), &firewall->variables, error);
}

/* Commits the active ruleset once more, with these switches. */
static int commit_again(struct firewall *firewall, __u32 switches, firewall_describe describe, struct error *error)
{
	struct ruleset ruleset;
	int result;

	if (ruleset_clone(&ruleset, &firewall->ruleset))
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	ruleset.switches = switches;
	result = firewall_commit(firewall, &ruleset, describe, error);
	ruleset_free(&ruleset);
	return result;
}

/* Makes `switches` those of the active ruleset. */
static int set_switches(struct firewall *firewall, __u32 switches, firewall_describe describe, struct error *error)
{
	struct control *control = firewall->lasting.control;

	if (!firewall_loaded(firewall)) {
		control->start_switches = switches;
	} else if (switches == firewall->compiled_switches ||
		   (ruleset_off(switches) && !((switches ^ firewall->compiled_switches) & RULESET_FORWARD))) {
		lasting_switch(&firewall->lasting, control->generation, !ruleset_off(switches));
	} else {
		return commit_again(firewall, switches, describe, error);
	}
	firewall->ruleset.switches = switches;
	return 0;
}

int firewall_set_variables(struct firewall *firewall, const struct variables *variables, firewall_describe describe,
			   struct error *error)
{
	__u32 switches = variables_switches(variables);

	if (firewall_check_write(firewall, error) || firewall_make(firewall, error))
		return -1;
	if (switches != firewall->ruleset.switches && set_switches(firewall, switches, describe, error))
		return -1;
	variables_store(variables, firewall->lasting.control);
	firewall->variables = *variables;
	if (firewall_enabled(firewall) &&
	    (states_need_room(&firewall->lasting, &firewall->ruleset) || gone_outdated(firewall)))
		return commit_again(firewall, switches, describe, error);
	return 0;
}

/* Reads all counters on the first call: a listing asks for each rule, and one system call fetches many. */
static int read_sums(struct firewall *firewall)
{
	__u32 slots = COUNTER_SLOT_DEFAULT + 1;
	struct rule_counter *sums;
	int result;

	if (firewall->sums)
		return 0;
	sums = calloc(COUNTER_SLOTS, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	for (size_t i = 0; i < firewall->ruleset.count; i++)
		if (firewall->ruleset.rules[i]->slot >= slots && firewall->ruleset.rules[i]->slot < COUNTER_SLOTS)
			slots = firewall->ruleset.rules[i]->slot + 1;
	result = counters_read(&firewall->lasting, slots, sums);
	if (result) {
		free(sums);
		return result;
	}
	firewall->sums = sums;
	return 0;
}

int firewall_counters(struct firewall *firewall, __u32 slot, struct counters *counters)
{
	const struct rule_counter *sum;
	time_t last_match = 0;
	int result;

	if (slot >= COUNTER_SLOTS || !firewall->lasting.control)
		return -EINVAL;
	result = read_sums(firewall);
	if (result)
		return result;
	sum = firewall->sums + slot;
	if (sum->last_match) {
		result = firewall->now.jiffies ? 0 : clock_read(&firewall->now);
		if (result)
			return result;
		last_match = clock_wall_time(&firewall->now, sum->last_match);
	}
	*counters = (struct counters){sum->packets, sum->bytes, last_match};
	return 0;
}

int firewall_zero(struct firewall *firewall, const bool *slots)
{
	int result;

	if (!firewall->lasting.control || !writes(firewall))
		return -EINVAL;
	result = counters_zero(&firewall->lasting, slots, COUNTER_SLOTS);
	free(firewall->sums);
	firewall->sums = NULL;
	return result;
}

int firewall_reset_log(struct firewall *firewall, __u32 slot)
{
	if (!firewall->lasting.control || !writes(firewall))
		return -EINVAL;
	return log_count_reset(&firewall->lasting, slot);
}
