// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules call each other. */
#include "bpf/calls.h"
