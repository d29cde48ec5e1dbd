/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/fast_forward.h"

#include <net/if.h>
#include <string.h>

#include "loader/compile/plan.h"
#include "loader/compile/tags.h"
#include "loader/interface_features.h"
#include "loader/ipsec.h"

/* Whether the rule reads the socket that sends a packet: a forwarded one has none, but XDP would look for one. */
static bool asks_sockets(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule) {
		switch (option->code) {
		case OPTION_UID:
		case OPTION_GID:
		case OPTION_JAIL:
		case OPTION_SOCKARG:
			return true;
		case OPTION_LOOKUP:
			if (option->u.lookup.key == LOOKUP_UID || option->u.lookup.key == LOOKUP_JAIL)
				return true;
		}
	}
	return false;
}

/* Why a rule keeps XDP from forwarding, or NULL. `on_output`: forwarded packets may meet it there. */
static const char *rule_hindrance(const struct rule *rule, bool on_output)
{
	if (rule_action(rule)->code == ACTION_SETFIB)
		return "rules choose routing tables (setfib)";
	if (on_output && asks_sockets(rule))
		return "rules for outgoing packets ask for sockets (uid, gid, jail, sockarg)";
	return NULL;
}

static const char *rules_hindrance(const struct ruleset *ruleset, const struct interface_list *interfaces)
{
	const struct plan output = {.interfaces = interfaces, .switches = ruleset->switches};
	const char *hindrance = NULL;

	for (size_t i = 0; !hindrance && i < ruleset->count; i++) {
		const struct rule *rule = ruleset->rules[i];
		bool by_state = rule_state_option(rule);

		if (by_state || !(ruleset->disabled_sets & 1u << rule->set))
			hindrance = rule_hindrance(rule, by_state || plan_can_match(&output, rule));
	}
	return hindrance;
}

const char *fast_forward_hindrance(const struct ruleset *ruleset, const struct interface_list *interfaces)
{
	struct tags tags;

	if (ruleset->switches & RULESET_WITH_LAYER2)
		return "frames meet the rules (net.link.ether.ipfw)";
	/* Routing of what comes in by their ports is another than the programs ask for. */
	for (size_t i = 0; i < interfaces->count; i++)
		if (!strcmp(interfaces->interfaces[i].kind, "vrf"))
			return "there is a VRF";
	/* Nothing may leave in clear text because of us, not even if the kernel does not tell. */
	if (ipsec_has_policies())
		return "there are IPsec policies";
	if (tags_collect(&tags, ruleset, interfaces) || tags.crossing || tags.numbers)
		return "tags go along from incoming to outgoing packets";
	return rules_hindrance(ruleset, interfaces);
}

/* Whether XDP may send by an interface: what it sends never comes to those that have no rules, or no Ethernet. */
static bool may_send(const struct hook_state *state, __u32 switches)
{
	const struct interface *interface = state->interface;

	if (state->port || !state->record.tc_egress || !interface_ethernet(interface) ||
	    state->record.mode == HOOK_MODE_NONE || interface->flags & IFF_LOOPBACK)
		return false;
	if (switches & RULESET_FORWARD_ANY)
		return state->record.mode == HOOK_MODE_NATIVE && strcmp(interface->kind, "bond");
	return interface->takes_redirects;
}

/* Whether there is a VLAN device on the interface. */
static bool has_vlans(const struct interface_list *interfaces, int index)
{
	for (size_t i = 0; i < interfaces->count; i++)
		if (interfaces->interfaces[i].vlan_parent == index)
			return true;
	return false;
}

/*
 * FORWARD_* of an interface. What is for a VLAN device may come in looking like packets of its parent: hardware takes
 * the tag off before XDP sees the frame. So nothing is forwarded from there.
 */
static __u8 forward_of(const struct hook_state *state, const struct interface_list *interfaces, __u32 switches)
{
	const struct interface *interface = state->interface;
	__u8 forward = 0;

	if (may_send(state, switches))
		forward |= FORWARD_TO;
	if (!has_vlans(interfaces, interface->index))
		forward |= FORWARD_FROM;
	if (interface->rp_filter)
		forward |= interface->rp_filter == 1 ? FORWARD_SOURCE_STRICT : FORWARD_SOURCE_LOOSE;
	return forward;
}

int fast_forward_choose(const struct ruleset *ruleset, const struct hooks *hooks, struct interface_list *interfaces)
{
	int result = 0, able = 0;

	if (!(ruleset->switches & RULESET_FORWARD) || !hooks_any_xdp(hooks) ||
	    fast_forward_hindrance(ruleset, interfaces))
		return 0;
	if (ruleset->switches & RULESET_FORWARD_TOLD)
		result = interface_read_redirects(interfaces);
	if (!result)
		result = interface_read_source_checks(interfaces);
	for (size_t i = 0; !result && i < interfaces->count; i++) {
		interfaces->interfaces[i].forward = forward_of(hooks->states + i, interfaces, ruleset->switches);
		able += !!(interfaces->interfaces[i].forward & FORWARD_TO);
	}
	return result ? result : able > 0;
}
