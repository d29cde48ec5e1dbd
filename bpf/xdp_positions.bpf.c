// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules jump to numbers out of tables. */
#include "bpf/positions.h"
