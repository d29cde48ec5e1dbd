/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/run.h"

#include <errno.h>
#include <stdlib.h>

/* Up to here comparing in order is as fast as halving, and less for the verifier to follow. */
#define LINEAR_VALUES 8

/* More classes would cost more than they save, which takes some rules that are rid of a compare. */
#define CLASSES_MAX 4
#define CLASSED_LEAST 8

/* A rule of the run that leads those of its class and value. */
struct leader {
	__u32 class, value;
	size_t index; /* in the run */
};

static int compare_leaders(const void *a, const void *b)
{
	const struct leader *left = a, *right = b;

	if (left->class != right->class)
		return left->class < right->class ? -1 : 1;
	if (left->value != right->value)
		return left->value < right->value ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/*
 * Whether packets go on behind the rule that have come to its action by a state: nobody knows whether these have the
 * value by which the rules of the run are found.
 */
static bool left_by_states(const struct plan_rule *planned)
{
	return planned->action >= 0 && plan_action_continues(planned);
}

static bool belongs(const struct emitter *emitter, const struct run *run, size_t index, struct filter filter)
{
	if (emitter->plan->rules[index].action_only)
		return false;
	if (index == run->first)
		return filter.mask;
	if (left_by_states(emitter->plan->rules + index - 1))
		return false;
	return filter.mask == run->rules[0].filter.mask && filter.field == run->rules[0].filter.field &&
	       !emitter->plan->rules[index].skipped_to;
}

/* Sorts the rules by class and value, in the order of the ruleset among equals. NULL: no memory. */
static struct leader *sort_rules(const struct run *run)
{
	struct leader *sorted = calloc(run->count, sizeof(*sorted));

	for (size_t i = 0; sorted && i < run->count; i++)
		sorted[i] = (struct leader){run->rules[i].class, run->rules[i].filter.value, i};
	if (sorted)
		qsort(sorted, run->count, sizeof(*sorted), compare_leaders);
	return sorted;
}

static bool equal(const struct leader *one, const struct leader *other)
{
	return one->class == other->class && one->value == other->value;
}

static int chain_equals(struct run *run)
{
	struct leader *sorted = sort_rules(run);

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < run->count; i++) {
		struct run_rule *rule = run->rules + sorted[i].index;

		rule->leads = !i || !equal(sorted + i - 1, sorted + i);
		rule->follow = i + 1 < run->count && equal(sorted + i, sorted + i + 1) ? sorted[i + 1].index : RUN_LAST;
	}
	free(sorted);
	return 0;
}

/* The bits of the head that all rules of the run ask for. */
static __u32 common_mask(const struct run *run)
{
	__u32 mask = ~0u;

	for (size_t i = 0; i < run->count; i++)
		mask &= run->rules[i].filter.head.mask;
	return mask;
}

/* Whether there are so few classes, and so many rules that ask for nothing else of the head, that classes pay. */
static bool classes_pay(const struct run *run, __u32 mask)
{
	__u32 classes[CLASSES_MAX];
	size_t count = 0, rid = 0;

	for (size_t i = 0; i < run->count; i++) {
		struct head head = run->rules[i].filter.head;
		size_t class = 0;

		while (class < count && classes[class] != (head.value & mask))
			class ++;
		if (class == CLASSES_MAX)
			return false;
		classes[class] = head.value & mask;
		count += class == count;
		rid += head.mask == mask;
	}
	return rid >= CLASSED_LEAST;
}

static void make_classes(struct run *run)
{
	__u32 mask = common_mask(run);

	/* the head may be what the filters are about */
	if (!run->rules[0].filter.tested || !mask || !classes_pay(run, mask))
		return;
	run->class_mask = mask;
	for (size_t i = 0; i < run->count; i++) {
		run->rules[i].class = run->rules[i].filter.head.value & mask;
		run->rules[i].filter.known = (struct head){.mask = mask, .value = run->rules[i].class};
	}
}

int run_find(struct run *run, struct emitter *emitter, size_t first, size_t limit)
{
	*run = (struct run){.first = first, .rules = calloc(limit - first, sizeof(*run->rules))};
	if (!run->rules)
		return -ENOMEM;
	for (size_t i = first; i < limit; i++) {
		struct filter filter = emit_filter_of(emitter, emitter->plan->rules[i].rule);

		if (!belongs(emitter, run, i, filter))
			break;
		run->rules[run->count++] = (struct run_rule){.filter = filter, .body = label_new(emitter->code)};
	}
	if (!run->count)
		return 0;
	make_classes(run);
	return chain_equals(run);
}

void run_free(struct run *run)
{
	free(run->rules);
	*run = (struct run){0};
}

/* Compares R1 with the values, which are sorted; what is none of them goes on at `miss`. */
static void emit_values(const struct run *run, struct code *code, struct emitter *emitter, const struct leader *leaders,
			size_t count, struct target miss)
{
	size_t middle = count / 2;
	label right;

	if (count <= LINEAR_VALUES) {
		for (size_t i = 0; i < count; i++) {
			code_add_line(code, emitter->plan->rules[run->first + leaders[i].index].rule);
			asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, leaders[i].value,
				      run->rules[leaders[i].index].body);
		}
		emit_goto(emitter, miss.fail, miss);
		return;
	}
	right = label_new(emitter->code);
	asm_jump_if32(emitter->code, BPF_JGE, BPF_REG_1, leaders[middle].value, right);
	emit_values(run, code, emitter, leaders, middle, (struct target){.fail = miss.fail, .next = right});
	label_bind(emitter->code, right);
	emit_values(run, code, emitter, leaders + middle, count - middle, miss);
}

/* The look-up among the rules of one class. */
static void emit_search(const struct run *run, struct code *code, struct emitter *emitter, const struct leader *leaders,
			size_t count, struct target miss)
{
	struct filter filter = run->rules[0].filter;

	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)filter.field);
	if (~filter.mask)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, filter.mask);
	emit_values(run, code, emitter, leaders, count, miss);
}

static size_t class_end(const struct leader *leaders, size_t count, size_t first)
{
	size_t end = first;

	while (end < count && leaders[end].class == leaders[first].class)
		end++;
	return end;
}

/* Finds the packet's class, which leads to the look-up of that one. */
static void emit_classes(const struct run *run, struct code *code, struct emitter *emitter,
			 const struct leader *leaders, size_t count)
{
	label searches[CLASSES_MAX];
	size_t classes = 0;

	emit_head_load(emitter, (struct head){.mask = run->class_mask});
	for (size_t first = 0; first < count; first = class_end(leaders, count, first)) {
		bool last = class_end(leaders, count, first) == count;

		searches[classes] = label_new(emitter->code);
		asm_jump_if32(emitter->code, last ? BPF_JNE : BPF_JEQ, BPF_REG_1, leaders[first].class,
			      last ? run->next : searches[classes]);
		classes++;
	}
	/* the last one comes first: it is where packets fall through */
	for (size_t end = count; end > 0;) {
		size_t first = end - 1;

		while (first > 0 && leaders[first - 1].class == leaders[end - 1].class)
			first--;
		label_bind(emitter->code, searches[--classes]);
		emit_search(run, code, emitter, leaders + first, end - first,
			    (struct target){.fail = run->next, .next = first ? -1 : run->next});
		end = first;
	}
}

int run_emit_filters(struct run *run, struct code *code, struct emitter *emitter)
{
	struct leader *leaders = sort_rules(run);
	size_t count = 0;

	if (!leaders)
		return -ENOMEM;
	for (size_t i = 0; i < run->count; i++)
		if (run->rules[leaders[i].index].leads)
			leaders[count++] = leaders[i];
	if (run->class_mask)
		emit_classes(run, code, emitter, leaders, count);
	else
		emit_search(run, code, emitter, leaders, count, (struct target){.fail = run->next, .next = run->next});
	free(leaders);
	return 0;
}

/* Where packets go on that the rule at `index`, in the run, does not match. */
static label emit_failed(const struct run *run, size_t index, struct emitter *emitter)
{
	bool last = run->rules[index].follow == RUN_LAST;

	/* behind a rule that continues a jump is needed anyway; else the verifier has one place less to compare */
	if (last && !plan_action_continues(emitter->plan->rules + run->first + index))
		return run->next;
	return label_new(emitter->code);
}

/* The bodies of the rules with one class and value. */
static void emit_chain(const struct run *run, size_t index, struct code *code, struct emitter *emitter,
		       const struct plan_function *function)
{
	label failed = run->rules[index].body;

	for (; index != RUN_LAST; index = run->rules[index].follow) {
		const struct plan_rule *planned = emitter->plan->rules + run->first + index;
		size_t first_jump = emitter->code->jump_count;

		label_bind(emitter->code, failed);
		code_add_line(code, planned->rule);
		failed = emit_failed(run, index, emitter);
		emit_body(emitter, planned, &run->rules[index].filter, failed, run->rules[index].follow != RUN_LAST,
			  function);
		if (failed == run->next)
			return;
		/* nothing gets behind a rule that keeps all: the verifier refuses code without a way to it */
		if (!plan_action_continues(planned) && !label_used(emitter->code, failed, first_jump))
			return;
	}
	label_bind(emitter->code, failed);
	asm_jump(emitter->code, run->next);
}

void run_emit_bodies(const struct run *run, struct code *code, struct emitter *emitter,
		     const struct plan_function *function)
{
	emitter->endings = (struct endings){.fail = run->count > 1 ? run->next : -1};
	for (size_t i = 0; i < run->count; i++)
		if (run->rules[i].leads)
			emit_chain(run, i, code, emitter, function);
}
