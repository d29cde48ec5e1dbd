/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests that are joined: whether a packet is what a rule asks for is gathered in one register, which is 0 as long as
 * all tests have matched, and branched on once. A branch costs the verifier more than all else.
 *
 * Rules of a run that differ in nothing but values (addresses, ports, the result) then share the code for their tests:
 * each puts its values into registers and goes there. The verifier walks through it for the first of them, and finds
 * that the others come with registers of the same kind. So only rules behind which packets go on at the same place, the
 * end of their run, have their tests joined; for others a branch for each test is better, as the first one is often all
 * that a packet meets.
 *
 * Joined are tests that end in a compare for equality, or with one range, and must match. Packets fail them later than
 * the rule says, so nothing that somebody could notice may come in between: who calls or writes ends the joint first.
 */
#ifndef COMPILE_JOINT_H
#define COMPILE_JOINT_H

#include <stdbool.h>

#include "loader/compile/assembler.h"

#define REGISTER_JOINT BPF_REG_3
#define REGISTER_SCRATCH BPF_REG_2

struct emitter;
struct target;
struct range32;

#define JOINT_VALUES 5 /* in registers: those of the tests, and the result */

struct joint {
	bool open;			      /* tests may be joined */
	bool pending;			      /* some are, and REGISTER_JOINT has been set */
	label fail;			      /* where packets go on that do not match */
	size_t first_instruction, first_jump; /* of the tests */
	size_t values[JOINT_VALUES];	      /* instructions that put values of this rule into registers */
	size_t value_count;
	unsigned int used; /* registers for values */
};

/* Tests, an exit with the result in R0 if they match, and a jump to where packets go on otherwise. */
struct ending {
	label place;
	size_t first, count; /* instructions of the tests */
};

#define ENDINGS_MAX 32

/* Those of the rules behind which packets go on at `fail`. */
struct endings {
	label fail; /* -1: nothing is shared */
	struct ending list[ENDINGS_MAX];
	size_t count;
};

/* Begins: tests that lead to `fail` may be joined if code is shared by the rules that do. */
void joint_begin(struct emitter *emitter, label fail);
/* Branches on what has been joined, if anything: the packets that go on here have matched it. More may be joined. */
void joint_end(struct emitter *emitter);
/* Likewise, and nothing more is joined. */
void joint_close(struct emitter *emitter);
/* Likewise, and the search ends with `result`: by the code of an earlier rule if it is the same but for values. */
void joint_finish(struct emitter *emitter, __u64 result);
/*
 * Whether a test that ends like that can be joined: where it fails is where the joint does, and whoever matches it
 * comes by here.
 */
bool joint_takes(const struct emitter *emitter, struct target target);
/* Joins (u32)dst == value; the upper half of dst is 0. Clobbers dst. */
void joint_add_equal(struct emitter *emitter, int dst, __u32 value);
/* Likewise for R1; rules may share code if they differ in this value. */
void joint_add_value(struct emitter *emitter, __u32 value);
/* Joins range.low <= R1 <= range.high, unsigned; the upper half of R1 is 0. Clobbers R1. Likewise. */
void joint_add_range(struct emitter *emitter, struct range32 range);
/* Who writes REGISTER_SCRATCH for a test that is joined says so before: no value of a rule can be in it. */
void joint_take_scratch(struct emitter *emitter);
/* Joins dst == 0, 64 bits. */
void joint_add_zero(struct emitter *emitter, int dst);

#endif
