/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the running kernel has the fields that programs read. */
#ifndef LOADER_KERNEL_FIELDS_H
#define LOADER_KERNEL_FIELDS_H

#include "ipfw/error.h"
#include "ipfw/kernel_fields.h"

/*
 * The fields of the running kernel, read once per process (10 to 20 ms); any thread may ask. NULL, with *error set, if
 * the kernel has no type information (CONFIG_DEBUG_INFO_BTF) or not these fields.
 */
const struct kernel_fields *kernel_fields_find(struct error *error);

#endif
