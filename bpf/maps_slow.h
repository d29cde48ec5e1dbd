/* SPDX-License-Identifier: GPL-2.0-only */
/* The lasting map of the slow parsers (maps/layout.h). */
#ifndef BPF_MAPS_SLOW_H
#define BPF_MAPS_SLOW_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct vlan_key);
	__type(value, struct vlan_device);
} vlans SEC(".maps");

#endif
