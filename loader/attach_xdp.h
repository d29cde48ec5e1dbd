/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP entries on interfaces, through libxdp, so that other XDP programs can run beside ours. Where the kernel does not
 * support its dispatcher, libxdp attaches the entry directly and the interface has room for no other program.
 */
#ifndef LOADER_ATTACH_XDP_H
#define LOADER_ATTACH_XDP_H

#include "loader/entry.h"
#include "loader/interface.h"

/*
 * Brings the interface to having exactly one XDP entry of this version: native if the driver can, else generic. The
 * first success of all decides control->xdp_entry_kind; an interface where the entry would be of the other kind, or
 * where another program does not leave room, gets none (HOOK_MODE_TC). An entry of another version stays until the
 * new one runs. Fills the XDP part of *record: program, entry, mode, reason, checksum. Returns 0, or -errno when the
 * interface is gone or an old entry cannot be removed.
 */
int xdp_ensure(const struct entries *entries, const struct interface *interface, struct interface_hooks *record);

/*
 * Removes all XDP entries of ours from the interface, noted in *record or not; other programs stay. Returns 0 or
 * -errno.
 */
int xdp_release(const struct entries *entries, int ifindex, const struct interface_hooks *record);

/* Tells libxdp which bpf file system to use. Call before anything else here. */
void xdp_use_bpffs(const struct pins *pins);

#endif
