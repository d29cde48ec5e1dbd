/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TC programs by TCX (Linux 6.6): a list of programs per direction and interface, without qdisc and filters around
 * each, which cost a packet more than our entry itself. Ours are attached as such and not as links: like filters of
 * clsact they then stay whatever becomes of pins, and go with the interface.
 */
#ifndef LOADER_ATTACH_TCX_H
#define LOADER_ATTACH_TCX_H

#include <linux/types.h>
#include <stdbool.h>

#include "loader/entry.h"

/* Whether the kernel has TCX. */
bool tcx_present(void);

/*
 * Reads whether program `id` is attached. Returns 0, -EINVAL (the kernel has no TCX) or another -errno.
 */
int tcx_attached(int ifindex, enum tc_direction direction, __u32 id, bool *attached);

/*
 * Attaches `program_fd`, an entry of this firewall: at once in place of an entry of ours that is there, else first of
 * all programs, so that no other one lets a packet through before the rules have seen it. When it returns no packet is
 * on its way that has not met it. Writes its id. Returns 0 or -errno.
 */
int tcx_attach(const struct entries *entries, int ifindex, enum tc_direction direction, int program_fd, __u32 *id);

/* Removes all entries of ours; other programs stay. Returns 0 (also when there was none) or -errno. */
int tcx_detach(const struct entries *entries, int ifindex, enum tc_direction direction);

#endif
