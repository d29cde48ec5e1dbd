// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules take tags out of tables. */
#include "bpf/tags.h"
