/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forwarding at XDP (net.inet.ip.fastforwarding; bpf/fast_forward.h has the packets' side): which rulesets it is for,
 * and by which interfaces.
 */
#ifndef LOADER_FAST_FORWARD_H
#define LOADER_FAST_FORWARD_H

#include "ipfw/rule.h"
#include "loader/hooks.h"
#include "loader/interface.h"

/*
 * Why packets of this ruleset must go by the stack, in words for `status'; NULL: XDP may forward them. Here is where a
 * new action or option that XDP cannot do for forwarded packets has its row.
 */
const char *fast_forward_hindrance(const struct ruleset *ruleset, const struct interface_list *interfaces);

/*
 * Decides for a commit whose entries are attached (`hooks`, on `interfaces`), and notes in the latter by which
 * interfaces XDP may send and by which what may come (interface->forward). Returns 1: XDP is to forward, 0:
 * not, or -errno.
 */
int fast_forward_choose(const struct ruleset *ruleset, const struct hooks *hooks, struct interface_list *interfaces);

#endif
