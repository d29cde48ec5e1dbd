/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/stretch_range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/rest.h"
#include "loader/compile/stretch_state.h"

#define GAP_MAX 4 /* rules in a row, within a stretch, that are found for most packets */

static int add_boxes(struct boxed_rules *boxed, const struct rule_boxes *boxes)
{
	if (!boxed->boxes || boxed->count + boxes->count > boxed->capacity) {
		size_t capacity = 2 * boxed->capacity + 64;
		struct classifier_box *more = realloc(boxed->boxes, capacity * sizeof(*more));

		if (!more)
			return -ENOMEM;
		boxed->boxes = more;
		boxed->capacity = capacity;
	}
	memcpy(boxed->boxes + boxed->count, boxes->box, boxes->count * sizeof(*boxes->box));
	boxed->count += boxes->count;
	return 0;
}

/* Whether the action takes more stack than kernel 6.1 leaves below a walk: to the verifier, all code may be called
 * there. */
static bool too_deep(const struct plan_rule *planned)
{
	return rule_action(planned->rule)->code == ACTION_TCP_SETMSS;
}

/* A rule that no packet can match is there for its states: it has no boxes. */
static int box_rule(struct boxed_rules *boxed, const struct plan *plan, size_t index)
{
	const struct plan_rule *planned = plan->rules + index;
	struct rule_boxes boxes = {.count = 0};

	if (stretch_state_meets(planned))
		boxes_of(&boxes, plan, planned->rule, (__u32)index);
	for (size_t i = 0; i < boxes.count; i++)
		boxes.box[i].result = rests_result(plan, index, boxes.held);
	boxed->rules[index] = (struct boxed_rule){
		.first = boxed->count,
		.held = boxes.held,
		.question = stretch_state_question(planned),
		.selective = boxes_selective(&boxes),
		.apart = stretch_state_apart(planned) || too_deep(planned),
	};
	return add_boxes(boxed, &boxes);
}

int boxed_make(struct boxed_rules *boxed, const struct plan *plan)
{
	int result = 0;

	boxed->rules = calloc(plan->rule_count + 1, sizeof(*boxed->rules));
	if (!boxed->rules)
		return -ENOMEM;
	for (size_t i = 0; !result && i < plan->rule_count; i++)
		result = box_rule(boxed, plan, i);
	boxed->rules[plan->rule_count].first = boxed->count;
	return result;
}

void boxed_free(struct boxed_rules *boxed)
{
	free(boxed->rules);
	free(boxed->boxes);
}

/* Rules in a row that may become a stretch. */
struct row {
	struct range range;
	size_t selective, gap; /* rules of it that leave out most packets, and those behind the last of them */
	const char *question;  /* that its rules ask, NULL: none */
};

/* Whether the row must end before the rule: states are asked for at the start of a stretch, and of one name. */
static bool parts(const struct row *row, const struct boxed_rule *rule)
{
	if (rule->apart)
		return true;
	return row->selective && rule->question && (!row->question || strcmp(row->question, rule->question) != 0);
}

/* Takes the rule at `index` into the row. False: too many of the last ones are found for most packets. */
static bool take(struct row *row, const struct boxed_rule *rule, size_t index)
{
	if (!plan_classify_from || rule->selective) {
		if (!row->selective++)
			row->range.first = index;
		row->range.end = index + 1;
		row->gap = 0;
	} else if (row->selective && ++row->gap > GAP_MAX) {
		return false;
	}
	if (row->selective && rule->question)
		row->question = rule->question;
	return true;
}

static bool enough(const struct row *row)
{
	return row->selective && row->selective >= plan_classify_from;
}

struct range stretch_find_range(const struct plan *plan, const struct boxed_rules *boxed, size_t from)
{
	static const struct row nothing;
	struct row row = nothing;

	for (size_t i = from; i < plan->rule_count; i++) {
		const struct boxed_rule *rule = boxed->rules + i;

		if (parts(&row, rule)) {
			if (enough(&row))
				break;
			row = nothing;
		}
		if (rule->apart)
			continue;
		if (!take(&row, rule, i)) {
			if (enough(&row))
				break;
			row = nothing;
		}
		if (row.range.end - row.range.first >= plan_stretch_rules)
			break;
	}
	return enough(&row) ? row.range : (struct range){plan->rule_count, plan->rule_count};
}
