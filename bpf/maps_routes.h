/* SPDX-License-Identifier: GPL-2.0-only */
/* The map "routes" (maps/layout.h), which belongs to one generation. The loader sets max_entries. */
#ifndef BPF_MAPS_ROUTES_H
#define BPF_MAPS_ROUTES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct route_key);
	__type(value, struct route);
} routes SEC(".maps");

#endif
