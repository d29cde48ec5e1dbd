// SPDX-License-Identifier: GPL-2.0-only
/* The XDP program of rulesets that answer nobody: they verify and load faster without the code for it. */
#include "bpf/frame_xdp.h"

#include "bpf/reply_none.h"
#include "bpf/ruleset_xdp.h"

char LICENSE[] SEC("license") = "GPL";
