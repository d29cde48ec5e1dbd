/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/assembler.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

void assembler_free(struct assembler *assembler)
{
	free(assembler->instructions);
	free(assembler->labels);
	free(assembler->jumps);
	free(assembler->calls);
	memset(assembler, 0, sizeof(*assembler));
}

/* Makes room for one more element of `size` bytes; returns the array, or NULL with the error recorded. */
static void *grow(struct assembler *assembler, void *array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *larger;

	if (assembler->error)
		return NULL;
	if (count < *capacity)
		return array;
	larger = reallocarray(array, wanted, size);
	if (!larger) {
		assembler->error = -ENOMEM;
		return NULL;
	}
	*capacity = wanted;
	return larger;
}

static void append(struct assembler *assembler, struct bpf_insn instruction)
{
	struct bpf_insn *grown =
		grow(assembler, assembler->instructions, assembler->count, &assembler->capacity, sizeof(instruction));

	if (!grown)
		return;
	assembler->instructions = grown;
	assembler->instructions[assembler->count++] = instruction;
}

label label_new(struct assembler *assembler)
{
	ssize_t *grown = grow(assembler, assembler->labels, assembler->label_count, &assembler->label_capacity,
			      sizeof(*assembler->labels));

	if (!grown)
		return 0;
	assembler->labels = grown;
	assembler->labels[assembler->label_count] = -1;
	return (label)assembler->label_count++;
}

void label_bind(struct assembler *assembler, label target)
{
	if (assembler->error)
		return;
	assembler->labels[target] = (ssize_t)assembler->count;
}

label label_new_at(struct assembler *assembler, size_t instruction)
{
	label created = label_new(assembler);

	if (!assembler->error)
		assembler->labels[created] = (ssize_t)instruction;
	return created;
}

void asm_cut(struct assembler *assembler, size_t count)
{
	if (!assembler->error)
		assembler->count = count;
}

bool label_used(const struct assembler *assembler, label target, size_t first)
{
	for (size_t i = first; i < assembler->jump_count; i++)
		if (assembler->jumps[i].target == target)
			return true;
	return false;
}

static void add_jump(struct assembler *assembler, struct bpf_insn instruction, label target)
{
	struct pending_jump *grown = grow(assembler, assembler->jumps, assembler->jump_count, &assembler->jump_capacity,
					  sizeof(*assembler->jumps));

	if (!grown)
		return;
	assembler->jumps = grown;
	assembler->jumps[assembler->jump_count++] = (struct pending_jump){assembler->count, target};
	append(assembler, instruction);
}

void asm_load(struct assembler *assembler, int size, int dst, int src, int offset)
{
	append(assembler,
	       (struct bpf_insn){.code = BPF_LDX | BPF_MEM | size, .dst_reg = dst, .src_reg = src, .off = offset});
}

void asm_store32(struct assembler *assembler, int dst, int offset, __s32 value)
{
	append(assembler,
	       (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = dst, .off = offset, .imm = value});
}

void asm_store(struct assembler *assembler, int size, int dst, int src, int offset)
{
	append(assembler,
	       (struct bpf_insn){
		       .code = BPF_STX | BPF_MEM | size, .dst_reg = dst, .src_reg = src, .off = (__s16)offset});
}

void asm_move(struct assembler *assembler, int dst, int src)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = dst, .src_reg = src});
}

void asm_move_constant(struct assembler *assembler, int dst, __u64 value)
{
	if (value <= INT_MAX) {
		append(assembler, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = dst, .imm = value});
		return;
	}
	append(assembler, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = dst, .imm = (__s32)value});
	append(assembler, (struct bpf_insn){.imm = (__s32)(value >> 32)});
}

void asm_alu32(struct assembler *assembler, int operation, int dst, __u32 value)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU | operation | BPF_K, .dst_reg = dst, .imm = (__s32)value});
}

void asm_alu64(struct assembler *assembler, int operation, int dst, __s32 value)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU64 | operation | BPF_K, .dst_reg = dst, .imm = value});
}

void asm_alu32_register(struct assembler *assembler, int operation, int dst, int src)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU | operation | BPF_X, .dst_reg = dst, .src_reg = src});
}

void asm_alu64_register(struct assembler *assembler, int operation, int dst, int src)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU64 | operation | BPF_X, .dst_reg = dst, .src_reg = src});
}

void asm_big_endian32(struct assembler *assembler, int dst)
{
	append(assembler, (struct bpf_insn){.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = dst, .imm = 32});
}

void asm_jump(struct assembler *assembler, label target)
{
	add_jump(assembler, (struct bpf_insn){.code = BPF_JMP | BPF_JA}, target);
}

void asm_jump_if32(struct assembler *assembler, int condition, int dst, __u32 value, label target)
{
	add_jump(assembler,
		 (struct bpf_insn){.code = BPF_JMP32 | condition | BPF_K, .dst_reg = dst, .imm = (__s32)value}, target);
}

void asm_jump_if64(struct assembler *assembler, int condition, int dst, __s32 value, label target)
{
	add_jump(assembler, (struct bpf_insn){.code = BPF_JMP | condition | BPF_K, .dst_reg = dst, .imm = value},
		 target);
}

void asm_jump_if_register(struct assembler *assembler, int condition, int dst, int src, label target)
{
	add_jump(assembler, (struct bpf_insn){.code = BPF_JMP | condition | BPF_X, .dst_reg = dst, .src_reg = src},
		 target);
}

void asm_call_helper(struct assembler *assembler, int helper)
{
	append(assembler, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

void asm_call(struct assembler *assembler, const char *symbol)
{
	struct call_fixup *grown = grow(assembler, assembler->calls, assembler->call_count, &assembler->call_capacity,
					sizeof(*assembler->calls));

	if (!grown)
		return;
	assembler->calls = grown;
	assembler->calls[assembler->call_count++] = (struct call_fixup){assembler->count, symbol};
	append(assembler, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1});
}

void asm_exit(struct assembler *assembler)
{
	append(assembler, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

int assembler_finish(struct assembler *assembler)
{
	for (size_t i = 0; i < assembler->jump_count && !assembler->error; i++) {
		const struct pending_jump *jump = assembler->jumps + i;
		ssize_t place = assembler->labels[jump->target];
		ssize_t distance = place - (ssize_t)jump->instruction - 1;

		if (place < 0)
			assembler->error = -EINVAL;
		else if (distance > SHRT_MAX || distance < SHRT_MIN)
			assembler->error = -ERANGE;
		else
			assembler->instructions[jump->instruction].off = (__s16)distance;
	}
	return assembler->error;
}
