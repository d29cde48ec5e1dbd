/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that are deleted while their states are to live on (net.inet.ip.fw.dyn_keep_states). */
#ifndef LOADER_GONE_H
#define LOADER_GONE_H

#include "loader/state.h"

/* Whether rules are kept for their states (RULE_GONE) although that is not wanted any more. */
bool gone_outdated(const struct firewall *firewall);

/*
 * Before `ruleset` takes the place of the active one: has it keep, as RULE_GONE, the rules that make states and that it
 * has no longer; and gives up kept ones whose last state has gone, or all of them if keeping is off. Returns 0 or
 * -errno.
 */
int gone_update(struct firewall *firewall, struct ruleset *ruleset);

#endif
