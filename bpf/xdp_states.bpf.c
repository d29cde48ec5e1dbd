// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules make or look for states. */
#include "bpf/states.h"
