/* SPDX-License-Identifier: GPL-2.0-only */
/* What XDP programs run on an interface, as libxdp tells, and which of them are entries of ours. */
#ifndef LOADER_XDP_LOOK_H
#define LOADER_XDP_LOOK_H

#include <xdp/libxdp.h>

#include "loader/entry.h"

/* More of our own entries than one interface can have: the current one and one of another version. */
#define OLD_ENTRIES_MAX 4

struct found {
	struct xdp_multiprog *programs; /* NULL: nothing runs there */
	__u32 main;			/* id of the program that the interface shows: the only one, or a dispatcher */
	enum xdp_attach_mode mode;
	bool direct; /* one program, no dispatcher */
	__u32 ours[OLD_ENTRIES_MAX];
	size_t ours_count;
};

/*
 * Looks at the interface. What libxdp cannot read for the moment is an error, not an empty interface. The caller ends
 * with found_close(). Returns 0, or -errno with nothing to close.
 */
int xdp_look(struct found *found, const struct entries *entries, int ifindex);
void found_close(struct found *found);

bool found_has(const struct found *found, __u32 id);

/* Takes our entries from the interface; other programs stay. Returns 0 (also when the interface is gone) or -errno. */
int found_remove_ours(const struct found *found, int ifindex);
/* Takes everything from the interface. Returns 0 (also when the interface is gone) or -errno. */
int found_remove_all(const struct found *found, int ifindex);

/*
 * Removes pins that an attachment which died half-way has left in libxdp's directory: dispatchers for this interface
 * that are not attached and hold nothing but entries of this firewall.
 */
void xdp_sweep_pins(const struct entries *entries, int ifindex, __u32 attached);

#endif
