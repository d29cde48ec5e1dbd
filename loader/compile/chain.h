/* SPDX-License-Identifier: GPL-2.0-only */
/* ruleset_match() of a plan with several functions, or stretches: what calls them in turn. */
#ifndef COMPILE_CHAIN_H
#define COMPILE_CHAIN_H

#include "loader/compile/function.h"

/*
 * Branches of one that the verifier follows in a row, at most: it gives up at 8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ in
 * kernel/bpf/verifier.c).
 */
#define CHAIN_BRANCHES_MAX 8000
size_t chain_branches(const struct plan *plan);

/* Generates it. Errors stick to the assembler. */
void chain_emit(struct code *code, const struct plan *plan);

#endif
