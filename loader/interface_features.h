/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says of interfaces beside what all commits ask for (interface.h). */
#ifndef LOADER_INTERFACE_FEATURES_H
#define LOADER_INTERFACE_FEATURES_H

#include "loader/interface.h"

/*
 * Notes which interfaces of the list can send frames that XDP redirects to them (interface->takes_redirects), by the
 * generic netlink family "netdev". Linux has it from 6.3 on; before, no interface can as far as it tells. Returns 0 or
 * -errno.
 */
int interface_read_redirects(struct interface_list *list);

/* Notes how strictly sources of packets that come in by each interface are checked (interface->rp_filter). Likewise. */
int interface_read_source_checks(struct interface_list *list);

#endif
