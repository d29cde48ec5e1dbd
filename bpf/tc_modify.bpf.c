// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules change packets. */
#include "bpf/frame_tc.h"
#include "bpf/modify_tc.h"

#include "bpf/modify.h"
