// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules ask for the route of a packet's source. */
#include "bpf/frame_xdp.h"
#include "bpf/source_route.h"
