/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type iface, at a commit. */
#ifndef LOADER_TABLE_INTERFACES_H
#define LOADER_TABLE_INTERFACES_H

#include "loader/interface.h"
#include "maps/lasting.h"

/* Has their entries mean the interfaces that exist now. Returns 0 or -errno. */
int table_interfaces_refresh(const struct lasting *lasting, const struct interface_list *interfaces);

#endif
