/* SPDX-License-Identifier: GPL-2.0-only */
/* `tablearg`: values that a rule takes out of the table in which it found the packet last (bpf/tablearg.h). */
#ifndef COMPILE_TABLE_VALUE_H
#define COMPILE_TABLE_VALUE_H

#include "loader/compile/emit.h"

/* Whether look-ups of the rule keep what they find: it gives a value, and takes one. Else what it takes is 0. */
bool rule_keeps_value(const struct rule *rule);
/* Whether packets that match the rule go on at a number that is known when they do: skipto or call, out of a table. */
bool rule_jumps_by_value(const struct rule *rule);

/* Forgets what earlier rules have found. */
void emit_value_reset(struct emitter *emitter);
/* R0 = the value of this kind (enum table_value) for emitter->rule. Clobbers R1 to R5. */
void emit_value(struct emitter *emitter, unsigned int kind);
/*
 * R0 = the number of the action of emitter->rule, which is out of a table, brought into the range that it has in ipfw.
 * Clobbers R1 to R5.
 */
void emit_action_value(struct emitter *emitter);
/* Likewise, R0 = the position in the plan where its packets go on. */
void emit_value_position(struct emitter *emitter);

#endif
