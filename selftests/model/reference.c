/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk over the rules: the order of tests, what actions do, where the search goes on. */
#include "selftests/model/reference.h"

#include <netinet/tcp.h>
#include <stdlib.h>

#include "selftests/model/random_rules.h"

/* What one packet has left behind on its way. */
struct walk {
	const struct reference *reference;
	struct subject *subject;
	size_t next;			/* index of the rule to look at */
	size_t callers[CALL_DEPTH_MAX]; /* indexes of the rules that called */
	unsigned int depth, calls_and_returns;
	struct model_question question; /* for states */
	struct table_record found;	/* by the last option of the rule that gave a value, or zeros */
};

static bool enabled(const struct walk *walk, const struct rule *rule)
{
	return !(walk->reference->ruleset->disabled_sets >> rule->set & 1);
}

/* Options that act once all others hold. */
static bool makes_state(const struct option *option)
{
	return option->code >= OPTION_KEEP_STATE && option->code <= OPTION_DEFER_ACTION;
}

/* Whether the option holds, OPTION_NOT aside. The value that it gives is there for the action also with that. */
static bool asks(struct walk *walk, const struct rule *rule, const struct option *option)
{
	if (!reference_option(walk->reference, rule, option, walk->subject))
		return false;
	if (random_option_asks_table(option->code))
		walk->found = *reference_table(walk->reference, rule, option, &walk->subject->packet);
	for (int kind = 0; option->code == OPTION_SOCKARG && kind < TABLE_VALUES; kind++)
		walk->found.number[kind] = walk->reference->socket_value;
	return true;
}

/* "tablearg": the number of this kind that was found, 0 if there is nothing. */
static __u32 argument_of(const struct walk *walk, const struct action *action, enum table_value kind)
{
	return action->flags & ACTION_TABLEARG ? walk->found.number[kind] : action->argument;
}

/* All options hold, where those joined by `or' hold if one of them does. */
static bool matches(struct walk *walk, const struct rule *rule)
{
	bool block = false;

	walk->found = (struct table_record){0};
	RULE_FOR_EACH_OPTION (option, rule) {
		bool inverted = option->flags & OPTION_NOT;

		if (makes_state(option))
			continue;
		/* as in ipfw, the rest of a block is not looked at once one alternative holds */
		if (!block && asks(walk, rule, option) != inverted)
			block = true;
		if (option->flags & OPTION_OR)
			continue;
		if (!block)
			return false;
		block = false;
	}
	return true;
}

static void change_tags(struct walk *walk, const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option->code == OPTION_TAG || option->code == OPTION_UNTAG)
			tag_set_put(&walk->subject->tags, (unsigned int)option->u.number, option->code == OPTION_TAG);
}

/* The first rule numbered `number' or higher. */
static size_t find(const struct walk *walk, unsigned int number)
{
	const struct ruleset *ruleset = walk->reference->ruleset;
	size_t index = 0;

	while (index < ruleset->count && ruleset->rules[index]->number < number)
		index++;
	return index;
}

/* "skipto": forward only, a target that is not is taken for the number behind the rule's own. */
static void skip(struct walk *walk, const struct rule *rule)
{
	unsigned int target = argument_of(walk, rule_action(rule), TABLE_VALUE_SKIPTO);

	walk->next = find(walk, target > rule->number ? target : rule->number + 1u);
}

/* False if "stack overflowed/underflowed": then the rule does nothing, and the next one follows. */
static bool call(struct walk *walk, size_t index)
{
	if (walk->depth == CALL_DEPTH_MAX)
		return false;
	walk->callers[walk->depth++] = index;
	walk->calls_and_returns++;
	walk->next =
		find(walk, argument_of(walk, rule_action(walk->reference->ruleset->rules[index]), TABLE_VALUE_SKIPTO));
	return true;
}

static bool come_back(struct walk *walk, const struct rule *rule)
{
	size_t caller;

	if (!walk->depth)
		return false;
	caller = walk->callers[--walk->depth];
	walk->calls_and_returns++;
	walk->next = caller + 1;
	if (rule_action(rule)->argument == RETURN_TO_NEXT_NUMBER)
		walk->next = find(walk, walk->reference->ruleset->rules[caller]->number + 1u);
	return true;
}

/* "Set specified DiffServ codepoint for an IPv4/IPv6 packet"; the other two bits stay. */
static bool set_dscp(struct packet *packet, __u32 dscp)
{
	if (!packet->family)
		return false;
	packet->traffic_class = (__u8)(dscp << 2 | (packet->traffic_class & 3));
	return true;
}

/* Lowers what a SYN offers; anything else has no maximum segment size. */
static bool set_mss(struct packet *packet, __u32 mss)
{
	if (!(packet->flags & PACKET_TCP) || !(packet->tcp_flags & TH_SYN) || !(packet->tcp_options & TCP_OPTION_MSS))
		return false;
	if (packet->tcp_mss > mss)
		packet->tcp_mss = (__u16)mss;
	return true;
}

/* Performs the action of a rule after which the search goes on. Returns false if it could not, and does not count. */
static bool go_on(struct walk *walk, size_t index)
{
	const struct rule *rule = walk->reference->ruleset->rules[index];
	const struct action *action = rule_action(rule);

	switch (action->code) {
	case ACTION_COUNT:
		return true;
	case ACTION_SKIPTO:
		skip(walk, rule);
		return true;
	case ACTION_CALL:
		return call(walk, index);
	case ACTION_RETURN:
		return come_back(walk, rule);
	case ACTION_SETDSCP:
		return set_dscp(&walk->subject->packet, argument_of(walk, action, TABLE_VALUE_DSCP));
	case ACTION_TCP_SETMSS:
		return set_mss(&walk->subject->packet, action->argument);
	case ACTION_SETFIB:
		walk->subject->packet.fib = argument_of(walk, action, TABLE_VALUE_FIB);
		return true;
	case ACTION_SETMARK:
		walk->subject->packet.mark = argument_of(walk, action, TABLE_VALUE_MARK);
		return true;
	default:
		abort(); /* a row of actions.def that nobody explained here */
	}
}

/* The verdict of an action that ends the search, else VERDICT_NONE. */
static enum verdict verdict_of(const struct action *action)
{
	switch (action->code) {
	case ACTION_ALLOW:
		return VERDICT_ALLOW;
	case ACTION_DENY:
		return VERDICT_DENY;
	case ACTION_UNREACH:
		return VERDICT_UNREACH;
	case ACTION_UNREACH6:
		return VERDICT_UNREACH6;
	case ACTION_RESET:
		return VERDICT_RESET;
	case ACTION_RESET6:
		return VERDICT_RESET6;
	case ACTION_ABORT:
		return VERDICT_ABORT;
	case ACTION_ABORT6:
		return VERDICT_ABORT6;
	default:
		return VERDICT_NONE;
	}
}

/* Does what the rule at `index' does to a packet that it matches, or whose state is its. True: it ended the search. */
static bool perform(struct walk *walk, size_t index, __u64 *counted, struct outcome *outcome)
{
	const struct rule *rule = walk->reference->ruleset->rules[index];
	const struct action *action = rule_action(rule);
	enum verdict verdict = verdict_of(action);

	walk->next = index + 1;
	change_tags(walk, rule);
	if (!verdict && !go_on(walk, index))
		return false;
	counted[rule->slot] += walk->subject->packet.segments;
	if (walk->reference->tally)
		walk->reference->tally->actions[action->code]++;
	*outcome = (struct outcome){verdict, rule->slot, action->argument | (__u32)action->extra << 16};
	return verdict != VERDICT_NONE;
}

/* The rule of the packet's state, if `rule' looks for it. */
static const struct rule *ask_states(struct walk *walk, const struct rule *rule)
{
	const struct option *option = rule_state_option(rule), *chance = rule_find_option(rule, OPTION_PROBABILITY);
	const struct reference *reference = walk->reference;
	const char *name;

	if (!reference->states)
		return NULL;
	if (rule_action(rule)->code == ACTION_CHECK_STATE)
		name = action_text(rule_action(rule));
	else if (option && (option->code == OPTION_KEEP_STATE || option->code == OPTION_LIMIT) &&
		 (!chance || reference_option(reference, rule, chance, walk->subject)))
		name = state_option_name(option);
	else
		return NULL;
	return states_ask(reference->states, &walk->question, name, &walk->subject->packet);
}

static size_t index_of(const struct ruleset *ruleset, const struct rule *rule)
{
	size_t index = 0;

	while (ruleset->rules[index] != rule)
		index++;
	return index;
}

/* Makes the state of a rule that matches. False: it is refused, which refuses the packet. */
static bool make_state(struct walk *walk, const struct rule *rule)
{
	return !rule_state_option(rule) ||
	       states_make(walk->reference->states, &walk->question, rule, &walk->subject->packet);
}

/* Whether the rule makes states only, and leaves its action to them. */
static bool defers(const struct rule *rule)
{
	const struct option *option = rule_state_option(rule);

	return rule_find_option(rule, OPTION_DEFER_ACTION) || (option && option->flags & OPTION_NOT);
}

/* Looks at the rule at `index`. True when it ended the search. */
static bool look(struct walk *walk, size_t index, __u64 *counted, struct outcome *outcome)
{
	const struct rule *rule = walk->reference->ruleset->rules[index], *owner;

	if (!enabled(walk, rule))
		return false;
	owner = ask_states(walk, rule);
	if (owner) {
		walk->calls_and_returns++;
		return perform(walk, index_of(walk->reference->ruleset, owner), counted, outcome);
	}
	if (rule_action(rule)->code == ACTION_CHECK_STATE || !matches(walk, rule))
		return false;
	if (!make_state(walk, rule)) {
		counted[rule->slot] += walk->subject->packet.segments;
		*outcome = (struct outcome){VERDICT_DENY, rule->slot, 0};
		return true;
	}
	return !defers(rule) && perform(walk, index, counted, outcome);
}

struct outcome reference_run(const struct reference *reference, struct subject *subject, __u64 *counted)
{
	struct walk walk = {.reference = reference, .subject = subject};
	struct outcome outcome = {VERDICT_NONE, 0, 0};

	while (walk.next < reference->ruleset->count) {
		if (look(&walk, walk.next++, counted, &outcome))
			return outcome;
		if (walk.calls_and_returns > CALLS_MAX)
			return (struct outcome){VERDICT_BOUND, 0, 0};
	}
	return (struct outcome){VERDICT_NONE, 0, 0};
}
