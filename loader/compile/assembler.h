/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BPF assembler: instructions are appended, jumps name labels, calls name symbols. Distances are computed in one
 * place, when everything is bound, and range-checked there: a wrong offset cannot be written by hand.
 *
 * Errors stick: after the first one every call does nothing, and assembler_finish() reports it.
 */
#ifndef COMPILE_ASSEMBLER_H
#define COMPILE_ASSEMBLER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Index of a label; made by label_new(), given a place once by label_bind(). */
typedef int label;

/* A call of a function of another object or another function of this one, resolved by the linker. */
struct call_fixup {
	size_t instruction; /* index of the call */
	const char *symbol; /* not owned: a string that outlives the assembler */
};

struct pending_jump {
	size_t instruction;
	label target;
};

struct assembler {
	struct bpf_insn *instructions;
	size_t count, capacity;
	ssize_t *labels; /* instruction index, -1: not bound yet */
	size_t label_count, label_capacity;
	struct pending_jump *jumps;
	size_t jump_count, jump_capacity;
	struct call_fixup *calls;
	size_t call_count, call_capacity;
	int error; /* 0, -ENOMEM, -ERANGE: a jump is longer than 32,767 instructions, -EINVAL: a label was never bound
		    */
};

void assembler_free(struct assembler *assembler);

label label_new(struct assembler *assembler);
/* Binds the label to the next instruction. */
void label_bind(struct assembler *assembler, label target);

/* A new label, bound to an instruction that is there. */
label label_new_at(struct assembler *assembler, size_t instruction);
/* Drops the instructions from `count` on; there are no jumps, calls or used labels among them. */
void asm_cut(struct assembler *assembler, size_t count);

/* Whether a jump from number `first` (a jump_count seen earlier) on goes to the label. */
bool label_used(const struct assembler *assembler, label target, size_t first);

/* dst = *(size *)(src + offset); size is BPF_B, BPF_H, BPF_W or BPF_DW. */
void asm_load(struct assembler *assembler, int size, int dst, int src, int offset);
/* *(u32 *)(dst + offset) = value */
void asm_store32(struct assembler *assembler, int dst, int offset, __s32 value);
/* *(size *)(dst + offset) = src; size is BPF_B, BPF_H, BPF_W or BPF_DW. */
void asm_store(struct assembler *assembler, int size, int dst, int src, int offset);
/* dst = src (64 bits) */
void asm_move(struct assembler *assembler, int dst, int src);
/* dst = value, in one instruction where it fits and two otherwise */
void asm_move_constant(struct assembler *assembler, int dst, __u64 value);
/* 32-bit arithmetic with a constant: operation is BPF_AND, BPF_SUB, ...; the upper half becomes 0. */
void asm_alu32(struct assembler *assembler, int operation, int dst, __u32 value);
/* 64-bit arithmetic with a constant, sign-extended. */
void asm_alu64(struct assembler *assembler, int operation, int dst, __s32 value);
/* 32-bit arithmetic between registers; the upper half becomes 0. */
void asm_alu32_register(struct assembler *assembler, int operation, int dst, int src);
/* 64-bit arithmetic between registers. */
void asm_alu64_register(struct assembler *assembler, int operation, int dst, int src);
/* dst = dst in big-endian byte order, 32 bits (no-op where the machine is big-endian). */
void asm_big_endian32(struct assembler *assembler, int dst);

void asm_jump(struct assembler *assembler, label target);
/* if ((u32)dst <condition> value) goto target; condition is BPF_JEQ, BPF_JGT, ... */
void asm_jump_if32(struct assembler *assembler, int condition, int dst, __u32 value, label target);
/* if (dst <condition> value) goto target, 64 bits, value sign-extended. */
void asm_jump_if64(struct assembler *assembler, int condition, int dst, __s32 value, label target);
/* if (dst <condition> src) goto target, 64 bits. */
void asm_jump_if_register(struct assembler *assembler, int condition, int dst, int src, label target);

/* Calls a kernel helper (enum bpf_func_id). Clobbers R1 to R5. */
void asm_call_helper(struct assembler *assembler, int helper);
/* Calls a function by symbol; `symbol` must outlive the assembler. Clobbers R1 to R5. */
void asm_call(struct assembler *assembler, const char *symbol);
void asm_exit(struct assembler *assembler);

/* Resolves all jumps. Returns 0 or the first error. */
int assembler_finish(struct assembler *assembler);

#endif
