// SPDX-License-Identifier: GPL-2.0-only
/* The rules for what XDP forwards, if they answer nobody. */
#include "bpf/frame_xdp.h"

#include "bpf/reply_none.h"
#include "bpf/ruleset_forward.h"

char LICENSE[] SEC("license") = "GPL";
