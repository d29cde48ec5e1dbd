// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules ask for the route of a packet's source. */
#include "bpf/frame_tc.h"
#include "bpf/source_route.h"
