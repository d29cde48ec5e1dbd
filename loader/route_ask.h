/* SPDX-License-Identifier: GPL-2.0-only */
/* One question to the kernel's routing table; all of it: route.h. */
#ifndef LOADER_ROUTE_ASK_H
#define LOADER_ROUTE_ASK_H

#include <linux/types.h>

/*
 * Index of the interface by which this machine would send to `address` (family 4 or 6, network order), that of loopback
 * for its own addresses; 0 if there is no way.
 */
int route_interface(__u8 family, const __u32 address[4]);

#endif
