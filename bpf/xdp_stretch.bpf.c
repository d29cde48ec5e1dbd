// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs of which some rules are classified. */
#include "bpf/frame_xdp.h"

#include "bpf/exact.h"
#include "bpf/first.h"
#include "bpf/front.h"
#include "bpf/stretch.h"
