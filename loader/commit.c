/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transaction. Steps, and what a process that dies after each of them leaves behind:
 *
 *  1. counter slots     Only slots that no rule, old or new, uses are zeroed: the old ruleset counts on. If states are
 *                       to have more room: larger maps, which are pinned just before the flip.
 *  2. entries           XDP and TC egress entries on interfaces that lack them. Before the first commit they let every
 *                       packet pass, since control->enabled is 0; later they run the old ruleset. With them the map
 *                       "vlans": a frame is filtered on its VLAN device as soon as that has entries.
 *  3. new generation    Maps, programs and pins under the other parity, then its program slots. No packet gets there.
 *                       The next writer removes it. The programs' code is made from before step 2 on.
 *  4. TC ingress        Entries that only deal with what XDP leaves do nothing until it leaves something. Entries that
 *                       run rules, where there is no XDP, run the old ones. Routing rules for the tables of setfib wait
 *                       for packets with their marks.
 *  5. the flip          One store of control->generation and ->enabled: the new ruleset is in force on all hooks, its
 *                       pins are complete, `list` shows it. A new ->kept_checksum is 0 meanwhile: the next commit then
 *                       loads slow parsers instead of taking them over.
 *  6. the old one goes  TC ingress entries and routing rules that no rule needs, states of rules that are gone (if
 *                       nobody tells the sweep, they end when their time is over), pins. What is left over, the next
 *                       writer removes; routing rules, the next commit or `down`. Its programs keep their slots until
 *                       the next commit overwrites them: a packet that read the old number just before the flip still
 *                       finds them, and emptying a slot would make the kernel wait for all CPUs.
 *
 * An error in steps 1 to 4 undoes step 3 and the routing rules, and, if no ruleset was in force, step 2.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "loader/compile/tags.h"
#include "loader/environment.h"
#include "loader/fast_forward.h"
#include "loader/fib.h"
#include "loader/generation.h"
#include "loader/gone.h"
#include "loader/state.h"
#include "loader/sweep.h"
#include "loader/table_interfaces.h"
#include "maps/counters.h"
#include "maps/states.h"

struct commit {
	struct firewall *firewall;
	struct ruleset *ruleset;
	struct ruleset copy; /* which the firewall holds in the end */
	firewall_describe describe;
	bool enabled; /* packets are to meet the rules */
	struct interface_list interfaces;
	struct route_list routes;
	struct hooks hooks;
	struct slow slow;
	struct tags tags;
	struct fib_tables tables;
	struct states_room room;
};

static int assign_slots(struct commit *commit, struct error *error)
{
	struct firewall *firewall = commit->firewall;
	struct ruleset *ruleset = commit->ruleset;
	int result;

	if (!ruleset->count || ruleset->rules[ruleset->count - 1]->number != RULE_NUMBER_DEFAULT)
		return error_set(error, EX_SOFTWARE, -1, "a ruleset must end with rule %u", RULE_NUMBER_DEFAULT);
	ruleset->rules[ruleset->count - 1]->slot = COUNTER_SLOT_DEFAULT;
	result = gone_update(firewall, ruleset);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot keep the states of deleted rules: %s", strerror(-result));
	result = counters_assign(&firewall->lasting, &firewall->pins, store_object_path(), &firewall->ruleset, ruleset,
				 RULE_SLOT_NEW);
	if (result == -ENOSPC)
		return error_set(error, EX_UNAVAILABLE, -1, "%zu rules are too many: there is room for %u",
				 ruleset->count, COUNTER_SLOTS);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot make counters for the new rules: %s", strerror(-result));
	result = states_room_make(&commit->room, &firewall->lasting, &firewall->pins, store_object_path(), ruleset);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot make room for states: %s", strerror(-result));
	return 0;
}

/* What packets are to take along: tags get their bits, routing tables are noted. */
static int assign_tags(struct commit *commit, struct error *error)
{
	struct ruleset *ruleset = commit->ruleset;

	memcpy(ruleset->tags, commit->firewall->ruleset.tags, sizeof(ruleset->tags));
	if (tags_collect(&commit->tags, ruleset, &commit->interfaces))
		return error_set(error, EX_UNAVAILABLE, -1, "more than %u different tags: a ruleset can have no more",
				 TAGS_MAX);
	memcpy(ruleset->tags, commit->tags.number, sizeof(ruleset->tags));
	return fib_collect(&commit->tables, ruleset, error);
}

/* Where the rules run at TC, tags cross by skb->mark or not at all. */
static int check_tags(const struct commit *commit, struct error *error)
{
	if (tags_fit_mark(&commit->tags) || !hooks_any(&commit->hooks, HOOK_MODE_TC))
		return 0;
	if (commit->tags.numbers)
		error_set(error, EX_UNAVAILABLE, -1,
			  "tags out of tables that `in' rules set are tested by `out' rules");
	else
		error_set(error, EX_UNAVAILABLE, -1, "more than %u tags that `in' rules set are tested by `out' rules",
			  CARRY_TAGS_MAX);
	return error_advise(error, "interfaces without XDP (mode TC in `ipfw-bpf status') have room for no more");
}

static int look_around(struct commit *commit, struct error *error)
{
	int result = interface_list_read(&commit->interfaces);

	if (result)
		return error_set(error, EX_OSERR, -1, "cannot read the interfaces: %s", strerror(-result));
	if (route_list_needed(commit->ruleset))
		result = route_list_read(&commit->routes);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot read the routes: %s", strerror(-result));
	result = table_interfaces_refresh(&commit->firewall->lasting, &commit->interfaces);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot note the interfaces in tables: %s", strerror(-result));
	result = hooks_open(&commit->hooks, &commit->firewall->lasting, &commit->interfaces);
	if (result)
		return error_set(error, EX_UNAVAILABLE, -1, "cannot read the entry programs in %s: %s",
				 programs_directory(), strerror(-result));
	return 0;
}

/* What parses the frames that the rules programs do not understand, and where VLANs are filtered now. */
static int prepare_parsers(struct commit *commit, struct error *error)
{
	const struct lasting *lasting = &commit->firewall->lasting;
	int result = environment_write_vlans(lasting->fds[LASTING_VLANS], &commit->interfaces);

	if (result)
		return error_set(error, EX_OSERR, -1, "cannot note the VLAN devices: %s", strerror(-result));
	return slow_open(&commit->slow, lasting, &commit->firewall->pins, hooks_any_xdp(&commit->hooks), error);
}

/* Takes back what a failed fib_ensure() has added: the rules in force do not need it. */
static void undo_routing(const struct firewall *firewall)
{
	struct fib_tables tables;
	struct error ignored;

	error_clear(&ignored);
	if (!fib_collect(&tables, &firewall->ruleset, &ignored))
		fib_trim(&tables);
}

/* Step 4. */
static int prepare_ingress(struct commit *commit, const struct ingress_needs *needs, struct error *error)
{
	int result;

	if (hooks_ensure_ingress(&commit->hooks, needs, error))
		return -1;
	result = fib_ensure(&commit->tables);
	if (!result)
		return 0;
	undo_routing(commit->firewall);
	return error_set(error, EX_UNAVAILABLE, -1, "cannot add the routing rules of setfib: %s", strerror(-result));
}

static int pin_room(const struct commit *commit, struct error *error)
{
	int result = states_room_pin(&commit->room, &commit->firewall->lasting, &commit->firewall->pins);

	return result ? error_set(error, EX_OSERR, -1, "cannot fill the larger maps of states: %s", strerror(-result))
		      : 0;
}

/* Whether XDP is to forward what the new rules allow. */
static int choose_forwarding(struct commit *commit, struct generation_request *request, struct error *error)
{
	int result = fast_forward_choose(commit->ruleset, &commit->hooks, &commit->interfaces);

	if (result < 0)
		return error_set(error, EX_OSERR, -1, "cannot read what interfaces can forward: %s", strerror(-result));
	request->forward = result;
	return 0;
}

/* Goes back to the maps of states that the programs in force use. The sweep, as well: it must work on the same ones. */
static void undo_room(struct commit *commit)
{
	struct firewall *firewall = commit->firewall;
	struct error ignored;

	error_clear(&ignored);
	states_room_end(&commit->room, &firewall->lasting, &firewall->pins, false);
	sweep_ensure(&firewall->lasting, &firewall->pins, &firewall->ruleset, &ignored);
}

static int begin_programs(struct firewall *firewall, const struct ruleset *ruleset, struct error *error)
{
	if (!firewall->begun)
		firewall->begun = programs_prepare();
	if (!firewall->begun)
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	programs_expect(firewall->begun, ruleset);
	return 0;
}

/* No thread looks at the rules any more. */
static void end_programs(struct firewall *firewall)
{
	programs_end(firewall->begun);
	firewall->begun = NULL;
}

/* Steps 2 and 3, but for the code of the programs. */
static int build_around(struct commit *commit, struct generation_request *request, struct error *error)
{
	struct firewall *firewall = commit->firewall;

	if (ruleset_clone(&commit->copy, commit->ruleset))
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	if (hooks_ensure(&commit->hooks, &firewall->pins, error) || prepare_parsers(commit, error) ||
	    check_tags(commit, error) || sweep_ensure(&firewall->lasting, &firewall->pins, commit->ruleset, error))
		return -1;
	return choose_forwarding(commit, request, error) ? -1 : generation_build(request, error);
}

/* Steps 2 and 3. The code is made while the rest is done. */
static int build(struct commit *commit, struct generation_request *request, struct error *error)
{
	int result;

	generation_begin(request);
	result = build_around(commit, request, error);
	end_programs(commit->firewall);
	return result;
}

/* Steps 2 to 6. */
static int install(struct commit *commit, struct error *error)
{
	struct firewall *firewall = commit->firewall;
	const struct control *control = firewall->lasting.control;
	__u32 old = control->generation;
	struct generation_request request = {
		.number = generation_next(control),
		.pins = &firewall->pins,
		.lasting = &firewall->lasting,
		.hooks = &commit->hooks,
		.interfaces = &commit->interfaces,
		.routes = &commit->routes,
		.ruleset = commit->ruleset,
		.old = old,
		.slow = &commit->slow,
		.begun = firewall->begun,
		.table_epochs = firewall->table_epochs,
		.describe = commit->describe,
	};
	struct ingress_needs needs = {
		.reply = programs_need_reply(commit->ruleset),
		.marks = fib_any(&commit->tables) || (commit->tags.crossing && tags_fit_mark(&commit->tags)),
	};

	if (build(commit, &request, error))
		return -1;
	if (prepare_ingress(commit, &needs, error) || pin_room(commit, error)) {
		generation_unpin(&firewall->pins, request.number);
		return -1;
	}
	if (control->kept_checksum != commit->slow.checksum)
		firewall->lasting.control->kept_checksum = 0;
	lasting_switch(&firewall->lasting, request.number, commit->enabled);
	firewall->lasting.control->kept_checksum = commit->slow.checksum;
	hooks_trim_ingress(&commit->hooks, &needs);
	states_room_end(&commit->room, &firewall->lasting, &firewall->pins, true);
	if (state_owners_remove(&firewall->lasting, &firewall->ruleset, commit->ruleset) > 0)
		sweep_now(&firewall->pins);
	fib_trim(&commit->tables);
	if (old)
		generation_unpin(&firewall->pins, old);
	return 0;
}

/* A first commit that failed leaves no firewall behind, only the variables if there were some before. */
static void undo_first(struct firewall *firewall, bool made_before)
{
	struct error ignored;

	error_clear(&ignored);
	if (made_before)
		firewall_release(firewall, &ignored);
	else
		firewall_take_down(firewall, &ignored);
}

/* What the firewall is like once `ruleset`, compiled with other switches than it had, is in force. */
static void take_over(struct firewall *firewall, struct ruleset *copy, __u32 switches)
{
	ruleset_free(&firewall->ruleset);
	firewall->ruleset = *copy;
	firewall->compiled_switches = copy->switches;
	firewall->ruleset.switches = switches;
	variables_load(&firewall->variables, firewall->lasting.control, switches);
}

int firewall_commit(struct firewall *firewall, struct ruleset *ruleset, firewall_describe describe, struct error *error)
{
	struct commit commit = {
		.firewall = firewall,
		.ruleset = ruleset,
		.slow = {.fds = {[SLOW_XDP] = -1, [SLOW_TC] = -1}, .handover = -1},
		.describe = describe,
		.enabled = !ruleset_off(ruleset->switches),
	};
	bool made_before = firewall->lasting.control;
	__u32 switches = ruleset->switches;
	int result;

	if (firewall_check_write(firewall, error) || firewall_make(firewall, error))
		return -1;
	/* Programs for no packets are not made: these wait for `enable firewall'. */
	if (!commit.enabled)
		ruleset->switches &= RULESET_FORWARD;
	result = begin_programs(firewall, ruleset, error);
	if (!result)
		result = assign_slots(&commit, error);
	if (!result)
		result = look_around(&commit, error);
	if (!result)
		result = assign_tags(&commit, error);
	if (!result)
		result = install(&commit, error);
	end_programs(firewall);
	slow_close(&commit.slow);
	hooks_close(&commit.hooks);
	interface_list_free(&commit.interfaces);
	route_list_free(&commit.routes);
	ruleset->switches = switches;
	if (!result) {
		take_over(firewall, &commit.copy, switches);
		return 0;
	}
	undo_room(&commit);
	ruleset_free(&commit.copy);
	if (!firewall_loaded(firewall))
		undo_first(firewall, made_before);
	return -1;
}
