// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules have `log`. */
#include "bpf/frame_xdp.h"
#include "bpf/log.h"
