/* SPDX-License-Identifier: GPL-2.0-only */
/* BTF of generated code: types copied from the runtime, and the .BTF.ext section that libbpf has no writer for. */
#ifndef COMPILE_TYPES_H
#define COMPILE_TYPES_H

#include <bpf/btf.h>

#include "loader/compile/function.h"
#include "loader/firewall.h"

/*
 * Makes the BTF of `code`: one FUNC per generated function and one extern FUNC per function it calls in the runtime,
 * with the types that the first of `runtimes` (a list that ends with NULL) which has the function gives to it.
 * `function_ids` receives the FUNC id of each element of code->functions. Returns a new BTF that the caller frees with
 * btf__free(), or NULL with errno set.
 */
struct btf *types_make(const struct code *code, const struct btf *const *runtimes, __u32 *function_ids);

/*
 * Makes the contents of .BTF.ext: function and line information for section ".text". Rule texts are added to the
 * strings of `btf`. Returns a malloc'ed block of *size bytes, or NULL with errno set.
 */
void *types_extension(struct btf *btf, const struct code *code, const __u32 *function_ids, firewall_describe describe,
		      size_t *size);

#endif
