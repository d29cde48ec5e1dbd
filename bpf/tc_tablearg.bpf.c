// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules use values out of tables. */
#include "bpf/tablearg.h"
