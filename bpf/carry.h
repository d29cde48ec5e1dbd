/* SPDX-License-Identifier: GPL-2.0-only */
/* What packets take along when they leave the rules (ipfw/carry.h): this program's part in it. */
#ifndef BPF_CARRY_H
#define BPF_CARRY_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/carry.h"

/* For the verifier a constant: what is not carried costs nothing. */
#ifdef RULESET_PLAIN
static const struct carry carry = {};
#else
const volatile struct carry carry SEC(".rodata.carry") = {};
#endif

#endif
