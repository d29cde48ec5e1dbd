/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/unit/support.h"

#include <errno.h>
#include <linux/bpf.h>

#include "loader/compile/assembler.h"

static void encodes_constants(void **state)
{
	struct assembler code = {0};

	asm_move_constant(&code, BPF_REG_3, 7);
	asm_move_constant(&code, BPF_REG_4, 0x80000000u);
	asm_move_constant(&code, BPF_REG_5, 0x1122334455667788ull);
	assert_int_equal(assembler_finish(&code), 0);
	assert_int_equal(code.count, 5);
	assert_int_equal(code.instructions[0].code, BPF_ALU64 | BPF_MOV | BPF_K);
	assert_int_equal(code.instructions[0].imm, 7);
	/* a 32-bit move would sign-extend: the wide form it is */
	assert_int_equal(code.instructions[1].code, BPF_LD | BPF_IMM | BPF_DW);
	assert_int_equal((__u32)code.instructions[1].imm, 0x80000000u);
	assert_int_equal(code.instructions[2].imm, 0);
	assert_int_equal((__u32)code.instructions[3].imm, 0x55667788u);
	assert_int_equal((__u32)code.instructions[4].imm, 0x11223344u);
	assembler_free(&code);
}

static void resolves_jumps_both_ways(void **state)
{
	struct assembler code = {0};
	label back = label_new(&code), forward = label_new(&code);

	label_bind(&code, back);
	asm_move_constant(&code, BPF_REG_0, 0);
	asm_jump_if32(&code, BPF_JEQ, BPF_REG_0, 1, forward);
	asm_jump(&code, back);
	label_bind(&code, forward);
	asm_exit(&code);
	assert_int_equal(assembler_finish(&code), 0);
	assert_int_equal(code.instructions[1].off, 1);
	assert_int_equal(code.instructions[2].off, -3);
	assembler_free(&code);
}

static void refuses_unbound_label(void **state)
{
	struct assembler code = {0};

	asm_jump(&code, label_new(&code));
	assert_int_equal(assembler_finish(&code), -EINVAL);
	assembler_free(&code);
}

static void refuses_distance_beyond_16_bits(void **state)
{
	struct assembler code = {0};
	label far = label_new(&code);

	asm_jump(&code, far);
	for (int i = 0; i < 32768; i++)
		asm_exit(&code);
	label_bind(&code, far);
	assert_int_equal(assembler_finish(&code), -ERANGE);
	assembler_free(&code);
}

static void reaches_the_full_16_bits(void **state)
{
	struct assembler code = {0};
	label far = label_new(&code);

	asm_jump(&code, far);
	for (int i = 0; i < 32767; i++)
		asm_exit(&code);
	label_bind(&code, far);
	assert_int_equal(assembler_finish(&code), 0);
	assert_int_equal(code.instructions[0].off, 32767);
	assembler_free(&code);
}

static void records_calls_by_symbol(void **state)
{
	struct assembler code = {0};

	asm_move(&code, BPF_REG_1, BPF_REG_6);
	asm_call(&code, "rule_count");
	assert_int_equal(assembler_finish(&code), 0);
	assert_int_equal(code.call_count, 1);
	assert_int_equal(code.calls[0].instruction, 1);
	assert_string_equal(code.calls[0].symbol, "rule_count");
	assert_int_equal(code.instructions[1].src_reg, BPF_PSEUDO_CALL);
	assembler_free(&code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_constants),	    cmocka_unit_test(resolves_jumps_both_ways),
		cmocka_unit_test(refuses_unbound_label),    cmocka_unit_test(refuses_distance_beyond_16_bits),
		cmocka_unit_test(reaches_the_full_16_bits), cmocka_unit_test(records_calls_by_symbol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
