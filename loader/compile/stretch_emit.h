/* SPDX-License-Identifier: GPL-2.0-only */
/* The code that classified stretches call (bpf/stretch.h): all pieces of plan.codes, found by their numbers. */
#ifndef COMPILE_STRETCH_EMIT_H
#define COMPILE_STRETCH_EMIT_H

#include "loader/compile/function.h"

/* Generates the STRETCH_GROUPS functions of a plan that has classified stretches. Errors stick to the assembler. */
void stretch_emit(struct code *code, const struct plan *plan);

#endif
