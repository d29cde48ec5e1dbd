// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules change packets. */
#include "bpf/frame_xdp.h"
#include "bpf/modify_xdp.h"

#include "bpf/modify.h"
