// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs with classified rules that make states. */
#include "bpf/frame_tc.h"

#include "bpf/stretch_states.h"
