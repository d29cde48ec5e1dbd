// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs with classified rules that make states. */
#include "bpf/frame_xdp.h"

#include "bpf/stretch_states.h"
