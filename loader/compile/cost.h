/* SPDX-License-Identifier: GPL-2.0-only */
/* What rules cost a packet, in nanoseconds, roughly: enough to choose between two forms of the same rules. */
#ifndef COMPILE_COST_H
#define COMPILE_COST_H

#include "loader/compile/classifier.h"
#include "loader/compile/plan.h"

/*
 * Of the rules from `first` to before `end` as straight-line code. This share of the packets goes half of their way, up
 * to the rule that ends it; the others go past all of them, and have few of their values.
 */
double cost_linear(const struct plan *plan, size_t first, size_t end, double share);
/*
 * Of a classified stretch, in which packets meet `again` rules behind which they go on. An estimate of zeros gives the
 * least that any stretch costs.
 */
double cost_classified(const struct classifier_estimate *estimate, double again);
/* Of an exact stretch with so many tables, for a packet that need not walk. */
double cost_exact(unsigned int tables);

#endif
