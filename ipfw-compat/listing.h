/* SPDX-License-Identifier: GPL-2.0-only */
/* Listing lines around rule_print(): number, counters, time of the last match, set. */
#ifndef COMPAT_LISTING_H
#define COMPAT_LISTING_H

#include <stdbool.h>
#include <stdio.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/options.h"
#include "loader/firewall.h"

/* How `options` want rules printed, without counters, times and widths. */
struct print_options listing_format(const struct options *options);

/* Widens the counter columns of *format to what `counters` need. */
void listing_fit(struct print_options *format, const struct counters *counters);

/* Prints the columns of counters that *format asks for, each with a blank behind. */
void listing_counters_print(FILE *out, const struct counters *counters, const struct print_options *format);

/*
 * Prints one line. `counters` is NULL for a rule that has none to show (the echo of `add`); `disabled` rules are marked
 * as such.
 */
void listing_print(FILE *out, const struct rule *rule, const struct counters *counters, bool disabled,
		   const struct print_options *format);

/* Prints the line of a dynamic rule; `verbose`: with what is known of its TCP connection. */
void listing_print_dynamic(FILE *out, const struct dynamic_rule *dynamic, bool verbose,
			   const struct print_options *format);

/* The plain listing line of a rule (see firewall_describe). */
void listing_describe(char *text, size_t size, const struct rule *rule);

#endif
