// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules look into tables. */
#include "bpf/table.h"
