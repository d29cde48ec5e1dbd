/* SPDX-License-Identifier: GPL-2.0-only */
/* ruleset_match() of a plan with several functions, or stretches: what calls them in turn. */
#ifndef COMPILE_CHAIN_H
#define COMPILE_CHAIN_H

#include "loader/compile/function.h"

/* Generates it. Errors stick to the assembler. */
void chain_emit(struct code *code, const struct plan *plan);

#endif
