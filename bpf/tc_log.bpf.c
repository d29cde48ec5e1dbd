// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules have `log`. */
#include "bpf/frame_tc.h"
#include "bpf/log.h"
