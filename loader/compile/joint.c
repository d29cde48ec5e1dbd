/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/joint.h"

#include <limits.h>
#include <string.h>

#include "loader/compile/emit.h"

void joint_begin(struct emitter *emitter, label fail)
{
	emitter->joint = (struct joint){.open = fail == emitter->endings.fail,
					.fail = fail,
					.first_instruction = emitter->code->count,
					.first_jump = emitter->code->jump_count};
}

void joint_end(struct emitter *emitter)
{
	if (emitter->joint.pending)
		asm_jump_if64(emitter->code, BPF_JNE, REGISTER_JOINT, 0, emitter->joint.fail);
	emitter->joint.pending = false;
}

void joint_close(struct emitter *emitter)
{
	joint_end(emitter);
	emitter->joint.open = false;
}

bool joint_takes(const struct emitter *emitter, struct target target)
{
	const struct joint *joint = &emitter->joint;

	return joint->open && target.fail == joint->fail && target.match == target.next &&
	       !label_used(emitter->code, target.match, joint->first_jump);
}

void joint_add_zero(struct emitter *emitter, int dst)
{
	if (emitter->joint.pending)
		asm_alu64_register(emitter->code, BPF_OR, REGISTER_JOINT, dst);
	else
		asm_move(emitter->code, REGISTER_JOINT, dst);
	emitter->joint.pending = true;
}

void joint_add_equal(struct emitter *emitter, int dst, __u32 value)
{
	if (!value) {
		joint_add_zero(emitter, dst);
	} else if (emitter->joint.pending) {
		asm_alu32(emitter->code, BPF_XOR, dst, value);
		joint_add_zero(emitter, dst);
	} else {
		/* not a copy, of which the verifier would keep account */
		asm_alu32(emitter->code, BPF_MOV, REGISTER_JOINT, value);
		asm_alu64_register(emitter->code, BPF_XOR, REGISTER_JOINT, dst);
		emitter->joint.pending = true;
	}
}

/* Whether all that has been emitted of the rule may become code that others share, if it ends the search. */
static bool shares(const struct emitter *emitter)
{
	return emitter->joint.open && emitter->joint.first_jump == emitter->code->jump_count;
}

/* For values; REGISTER_JOINT has the first one if nothing is joined before it. */
static const int value_registers[] = {BPF_REG_4, BPF_REG_5, REGISTER_SCRATCH};

#define VALUE_REGISTERS (sizeof(value_registers) / sizeof(*value_registers))

_Static_assert(VALUE_REGISTERS + 2 == JOINT_VALUES, "each register and the result is a value");

/* Puts a value of this rule into a register. */
static void put_value(struct emitter *emitter, int into, __u32 value)
{
	emitter->joint.values[emitter->joint.value_count++] = emitter->code->count;
	asm_alu32(emitter->code, BPF_MOV, into, value);
}

void joint_add_value(struct emitter *emitter, __u32 value)
{
	struct joint *joint = &emitter->joint;

	if (!shares(emitter) || (joint->pending && joint->used == VALUE_REGISTERS)) {
		joint_add_equal(emitter, BPF_REG_1, value);
	} else if (!joint->pending) {
		put_value(emitter, REGISTER_JOINT, value);
		asm_alu64_register(emitter->code, BPF_XOR, REGISTER_JOINT, BPF_REG_1);
		joint->pending = true;
	} else {
		int into = value_registers[joint->used++];

		put_value(emitter, into, value);
		asm_alu64_register(emitter->code, BPF_XOR, BPF_REG_1, into);
		joint_add_zero(emitter, BPF_REG_1);
	}
}

void joint_take_scratch(struct emitter *emitter)
{
	emitter->joint.used = VALUE_REGISTERS;
}

/* Loads what no rule shares, or notes that it is a value of this one. */
static int load_width(struct emitter *emitter, __u32 width)
{
	struct joint *joint = &emitter->joint;

	if (shares(emitter) && joint->used < VALUE_REGISTERS) {
		put_value(emitter, value_registers[joint->used], width);
		return value_registers[joint->used++];
	}
	asm_alu32(emitter->code, BPF_MOV, REGISTER_SCRATCH, width);
	joint_take_scratch(emitter);
	return REGISTER_SCRATCH;
}

/* R1 -= low, modulo 2^32. */
static void subtract_low(struct emitter *emitter, __u32 low)
{
	struct joint *joint = &emitter->joint;

	if (shares(emitter) && joint->used < VALUE_REGISTERS) {
		put_value(emitter, value_registers[joint->used], low);
		asm_alu32_register(emitter->code, BPF_SUB, BPF_REG_1, value_registers[joint->used++]);
	} else if (low) {
		asm_alu32(emitter->code, BPF_SUB, BPF_REG_1, low);
	}
}

/* A difference of two numbers of 32 bits that is less than 0 has bits in the upper half. */
void joint_add_range(struct emitter *emitter, struct range32 range)
{
	int left;

	subtract_low(emitter, range.low);
	left = load_width(emitter, range.high - range.low);
	asm_alu64_register(emitter->code, BPF_SUB, left, BPF_REG_1);
	asm_alu64(emitter->code, BPF_RSH, left, 32);
	joint_add_zero(emitter, left);
}

/* Moves the instructions for values in front of the tests, which do not write those registers before. */
static void move_values_first(struct assembler *code, const struct joint *joint)
{
	struct bpf_insn moved[JOINT_VALUES];

	for (size_t i = 0; i < joint->value_count; i++) {
		size_t from = joint->values[i], to = joint->first_instruction + i;

		moved[i] = code->instructions[from];
		memmove(code->instructions + to + 1, code->instructions + to, (from - to) * sizeof(*moved));
		code->instructions[to] = moved[i];
	}
}

static const struct ending *find_ending(const struct emitter *emitter, size_t first)
{
	const struct assembler *code = emitter->code;
	size_t count = code->count - first;

	for (const struct ending *ending = emitter->endings.list;
	     ending < emitter->endings.list + emitter->endings.count; ending++)
		if (ending->count == count && !memcmp(code->instructions + ending->first, code->instructions + first,
						      count * sizeof(*code->instructions)))
			return ending;
	return NULL;
}

/* Goes to the code that ends like this rule, or makes this rule's the one of the next. */
static void share(struct emitter *emitter)
{
	struct assembler *code = emitter->code;
	size_t first = emitter->joint.first_instruction + emitter->joint.value_count;
	const struct ending *found;

	move_values_first(code, &emitter->joint);
	found = find_ending(emitter, first);
	if (found) {
		asm_cut(code, first);
		asm_jump(code, found->place);
		emitter->joint = (struct joint){0};
		return;
	}
	if (emitter->endings.count < ENDINGS_MAX)
		emitter->endings.list[emitter->endings.count++] = (struct ending){
			.place = label_new_at(code, first), .first = first, .count = code->count - first};
	joint_close(emitter);
	asm_exit(code);
}

void joint_finish(struct emitter *emitter, __u64 result)
{
	if (shares(emitter) && result <= INT_MAX && !emitter->code->error) {
		put_value(emitter, BPF_REG_0, (__u32)result);
		share(emitter);
		return;
	}
	joint_close(emitter);
	asm_move_constant(emitter->code, BPF_REG_0, result);
	asm_exit(emitter->code);
}
