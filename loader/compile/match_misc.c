/* SPDX-License-Identifier: GPL-2.0-only */
/* Direction, interfaces, probability, and options that match every packet. */
#include "loader/compile/emit.h"

#include <errno.h>
#include <stdlib.h>

/* plan_fold() knows the direction: reaching code for it means that the plan was not asked. */
void emit_in(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	emit_always_goto(emitter, emitter->plan->input ? target.match : target.fail, target);
}

void emit_always(struct emitter *emitter, const struct option *option, const struct option_row *row,
		 struct target target)
{
	emit_always_goto(emitter, target.match, target);
}

/* plan_fold() knows it. */
void emit_never(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	emit_always_goto(emitter, target.fail, target);
}

/* The language refuses rules with these. */
void emit_later(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	emitter->code->error = -EOPNOTSUPP;
}

/* Names and addresses become the ifindexes that they mean when the program is made. */
void emit_interface(struct emitter *emitter, const struct option *option, const struct option_row *row,
		    struct target target)
{
	size_t capacity = emitter->plan->interfaces->count, count;
	struct range32 *ranges;
	__u32 *indexes;

	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	indexes = calloc(capacity + 1, sizeof(*indexes));
	ranges = calloc(capacity + 1, sizeof(*ranges));
	if (indexes && ranges) {
		count = plan_interfaces(emitter->plan, &option->u.interface, indexes, capacity);
		for (size_t i = 0; i < count; i++)
			ranges[i] = (struct range32){indexes[i], indexes[i]};
		emit_ranges(emitter, ranges, count, target);
	} else {
		emitter->code->error = -ENOMEM;
	}
	free(indexes);
	free(ranges);
}

void emit_probability(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	asm_call_helper(emitter->code, BPF_FUNC_get_prandom_u32);
	asm_alu32(emitter->code, BPF_AND, BPF_REG_0, PROBABILITY_ONE);
	emit_test(emitter, BPF_JLT, BPF_REG_0, (__u32)option->u.number, target);
}
