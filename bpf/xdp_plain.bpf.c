// SPDX-License-Identifier: GPL-2.0-only
/* The XDP program of plain rulesets that answer nobody. */
#include "bpf/plain.h"

#include "bpf/frame_xdp.h"

#include "bpf/reply_none.h"
#include "bpf/ruleset_xdp.h"

char LICENSE[] SEC("license") = "GPL";
