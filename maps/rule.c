/* SPDX-License-Identifier: GPL-2.0-only */
/* Rule blocks and rulesets in memory; contracts in include/ipfw/rule.h. */
#include "ipfw/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const __u8 option_arguments[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, ...) [OPTION_##code] = ARGUMENT_##argument,
#include "ipfw/options.def"
#undef OPTION
};

static const __u8 action_arguments[ACTION_CODES] = {
#define ACTION(code, keyword, aliases, argument, ...) [ACTION_##code] = ACTION_ARGUMENT_##argument,
#include "ipfw/actions.def"
#undef ACTION
};

const struct option *rule_find_option(const struct rule *rule, unsigned int code)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option->code == code)
			return option;
	return NULL;
}

const struct option *rule_state_option(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule) {
		switch (option->code) {
		case OPTION_KEEP_STATE:
		case OPTION_RECORD_STATE:
		case OPTION_LIMIT:
		case OPTION_SET_LIMIT:
			return option;
		default:
			break;
		}
	}
	return NULL;
}

const char *state_option_name(const struct option *option)
{
	return option->code == OPTION_LIMIT || option->code == OPTION_SET_LIMIT ? option->u.limit.name : option->u.text;
}

const struct forward *action_forward(const struct action *action)
{
	return (const struct forward *)(action + 1);
}

const char *action_text(const struct action *action)
{
	return (const char *)(action + 1);
}

/* Bytes that the payload of a well-formed option needs, behind its header; without the text that ends it. */
static size_t payload_size(const struct option *option)
{
	switch (option_arguments[option->code]) {
	case ARGUMENT_NUMBER:
		return sizeof(option->u.number);
	case ARGUMENT_ADDRESS4:
		return option->count * sizeof(struct address4);
	case ARGUMENT_ADDRESS6:
		return option->count * sizeof(struct address6);
	case ARGUMENT_ADDRESS_SET:
		return sizeof(struct address_set);
	case ARGUMENT_RANGES:
		return option->count * sizeof(struct range16);
	case ARGUMENT_NUMBERS:
		return option->count * sizeof(__u32);
	case ARGUMENT_INTERFACE:
		return sizeof(struct interface_match);
	case ARGUMENT_FLAGS:
		return sizeof(option->u.flags_test);
	case ARGUMENT_BITMAP:
		return sizeof(option->u.bitmap);
	case ARGUMENT_TABLE:
		return offsetof(struct table_match, name);
	case ARGUMENT_LOOKUP:
		return offsetof(struct lookup_match, name);
	case ARGUMENT_LIMIT:
		return offsetof(struct state_limit, name);
	case ARGUMENT_MAC:
		return sizeof(struct mac_match);
	case ARGUMENT_MASKED:
		return sizeof(struct masked_number);
	case ARGUMENT_LOG:
		return sizeof(struct log_settings);
	default:
		return 0;
	}
}

/* Bytes of the text at `text` with its NUL, 0 when it does not end within `room` bytes. */
static size_t text_size(const char *text, size_t room)
{
	const char *end = memchr(text, '\0', room);

	return end ? (size_t)(end - text) + 1 : 0;
}

/* Whether a name of an object stands at `text`: neither empty nor too long. */
static bool name_valid(const char *text, size_t room)
{
	size_t size = text_size(text, room);

	return size > 1 && size <= OBJECT_NAME_MAX;
}

/* The payload's text, and its numbers that index something. */
static bool payload_valid(const struct option *option, size_t room)
{
	size_t text_room = room - payload_size(option);

	switch (option_arguments[option->code]) {
	case ARGUMENT_ADDRESS_SET:
		return option->u.address_set.prefix_length >= ADDRESS_SET_PREFIX_MIN &&
		       option->u.address_set.prefix_length <= ADDRESS_SET_PREFIX_MAX;
	case ARGUMENT_TEXT:
		return text_size(option->u.text, room) > 0;
	case ARGUMENT_INTERFACE:
		return text_size(option->u.interface.name, INTERFACE_NAME_MAX) > 0;
	case ARGUMENT_TABLE:
		return name_valid(option->u.table.name, text_room) && option->u.table.value_type < TABLE_VALUES;
	case ARGUMENT_LOOKUP:
		return name_valid(option->u.lookup.name, text_room) && option->u.lookup.key < LOOKUP_KEYS;
	case ARGUMENT_LIMIT:
		return name_valid(option->u.limit.name, text_room) && option->u.limit.fields;
	default:
		return true;
	}
}

static bool option_valid(const struct option *option, size_t room)
{
	size_t head = offsetof(struct option, u);

	if (room < head || option->size < head || option->size > room || option->size % 8)
		return false;
	if (option->code >= OPTION_CODES || payload_size(option) > option->size - head)
		return false;
	return payload_valid(option, option->size - head);
}

/* `room` bytes are there for the action and what stands behind it. */
static bool action_valid(const struct action *action, size_t room)
{
	const char *text = action_text(action);
	size_t payload;

	if (action->code >= ACTION_CODES || action->size != room)
		return false;
	payload = room - sizeof(*action);
	switch (action_arguments[action->code]) {
	case ACTION_ARGUMENT_FORWARD:
		return payload >= sizeof(struct forward) &&
		       text_size(action_forward(action)->interface, INTERFACE_NAME_MAX) > 0;
	case ACTION_ARGUMENT_STATE:
	case ACTION_ARGUMENT_NAME:
		return name_valid(text, payload);
	case ACTION_ARGUMENT_NAMES:
		return name_valid(text, payload) && name_valid(text + strlen(text) + 1, payload - strlen(text) - 1);
	default:
		return true;
	}
}

bool rule_valid(const struct rule *rule, size_t size)
{
	size_t offset = 0, count = 0;

	if (size < sizeof(*rule) + sizeof(struct action) || rule->size > size || rule->size % 8)
		return false;
	if (rule->size < sizeof(*rule) + rule->options_size + sizeof(struct action) || rule->options_size % 8)
		return false;
	if (!rule->number || rule->set >= RULE_SETS)
		return false;
	for (; offset < rule->options_size; count++) {
		const struct option *option = (const void *)((const char *)rule->options + offset);

		if (!option_valid(option, rule->options_size - offset))
			return false;
		offset += option->size;
	}
	return count == rule->option_count &&
	       action_valid(rule_action(rule), rule->size - sizeof(*rule) - rule->options_size);
}

struct rule *rule_clone(const struct rule *rule)
{
	struct rule *copy = malloc(rule->size);

	return copy ? memcpy(copy, rule, rule->size) : NULL;
}

static bool in_block(const struct ruleset *ruleset, const struct rule *rule)
{
	const char *place = (const char *)rule;

	return ruleset->block && place >= ruleset->block && place < ruleset->block + ruleset->block_size;
}

static void free_rule(const struct ruleset *ruleset, struct rule *rule)
{
	if (!in_block(ruleset, rule))
		free(rule);
}

void ruleset_free(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		free_rule(ruleset, ruleset->rules[i]);
	free(ruleset->rules);
	free(ruleset->block);
	memset(ruleset, 0, sizeof(*ruleset));
}

size_t ruleset_find(const struct ruleset *ruleset, unsigned int number)
{
	size_t low = 0, high = ruleset->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ruleset->rules[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int ruleset_insert(struct ruleset *ruleset, struct rule *rule)
{
	size_t index = ruleset_find(ruleset, rule->number + 1u);

	if (ruleset->count == ruleset->capacity) {
		size_t capacity = ruleset->capacity ? ruleset->capacity * 2 : 64;
		struct rule **rules = reallocarray(ruleset->rules, capacity, sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		ruleset->rules = rules;
		ruleset->capacity = capacity;
	}
	memmove(ruleset->rules + index + 1, ruleset->rules + index, (ruleset->count - index) * sizeof(rule));
	ruleset->rules[index] = rule;
	ruleset->count++;
	return 0;
}

void ruleset_remove(struct ruleset *ruleset, size_t index)
{
	free_rule(ruleset, ruleset->rules[index]);
	ruleset->count--;
	memmove(ruleset->rules + index, ruleset->rules + index + 1, (ruleset->count - index) * sizeof(*ruleset->rules));
}

int ruleset_detach(struct ruleset *ruleset, size_t index)
{
	struct rule *rule = ruleset->rules[index];

	if (!in_block(ruleset, rule))
		return 0;
	rule = rule_clone(rule);
	if (!rule)
		return -ENOMEM;
	ruleset->rules[index] = rule;
	return 0;
}

int ruleset_reserve(struct ruleset *ruleset, size_t count, size_t bytes)
{
	ruleset->rules = reallocarray(NULL, count + 1, sizeof(*ruleset->rules));
	ruleset->block = malloc(bytes);
	if (!ruleset->rules || (!ruleset->block && bytes)) {
		ruleset_free(ruleset);
		return -ENOMEM;
	}
	ruleset->capacity = count + 1;
	ruleset->block_size = bytes;
	return 0;
}

struct rule *ruleset_append(struct ruleset *ruleset, size_t size)
{
	struct rule *rule = (struct rule *)(ruleset->block + ruleset->block_used);

	if (ruleset->count == ruleset->capacity || size > ruleset->block_size - ruleset->block_used)
		return NULL;
	ruleset->block_used += size;
	return ruleset->rules[ruleset->count++] = rule;
}

int ruleset_clone(struct ruleset *copy, const struct ruleset *ruleset)
{
	size_t bytes = 0;

	memset(copy, 0, sizeof(*copy));
	for (size_t i = 0; i < ruleset->count; i++)
		bytes += ruleset->rules[i]->size;
	if (ruleset_reserve(copy, ruleset->count, bytes))
		return -ENOMEM;
	copy->disabled_sets = ruleset->disabled_sets;
	memcpy(copy->tags, ruleset->tags, sizeof(copy->tags));
	copy->switches = ruleset->switches;
	copy->linear = ruleset->linear;
	for (size_t i = 0; i < ruleset->count; i++) {
		struct rule *rule = ruleset->rules[i];

		memcpy(ruleset_append(copy, rule->size), rule, rule->size);
	}
	return 0;
}

bool ruleset_makes_states(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (rule_state_option(ruleset->rules[i]))
			return true;
	return false;
}

size_t ruleset_present(const struct ruleset *ruleset)
{
	size_t present = 0;

	for (size_t i = 0; i < ruleset->count; i++)
		present += !(ruleset->rules[i]->flags & RULE_GONE);
	return present;
}
