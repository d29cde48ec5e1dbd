/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stretches: which rules are classified, and what is left to be done for each of them. Rules that leave out most
 * packets (addresses, ports, interfaces) are found by a look-up whose cost hardly depends on their number; the others
 * would be found for every packet, and are better off as straight-line code.
 */
#ifndef COMPILE_STRETCH_H
#define COMPILE_STRETCH_H

#include "loader/compile/plan.h"

/*
 * Splits the plan's rules, whose targets are resolved, into functions and classified stretches: fills plan->functions
 * and what belongs to the classifier. Returns 0 or -errno; plan_free() frees what is there then, too.
 */
int stretches_split(struct plan *plan);

#endif
