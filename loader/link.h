/* SPDX-License-Identifier: GPL-2.0-only */
/* Joins generated code with compiled runtime objects, in memory, by libbpf's static linker. */
#ifndef LOADER_LINK_H
#define LOADER_LINK_H

#include "ipfw/error.h"
#include "loader/compile/function.h"
#include "loader/firewall.h"

struct bpf_object;

#define LINK_RUNTIMES_MAX 16

/* What is being linked, and has its first runtime object. */
struct linking;

/*
 * Begins with the object file at `runtime_path`, before there is code. Returns NULL with errno set if that does not
 * work. To be given to link_program() or link_abandon(), by whichever thread.
 */
struct linking *link_begin(const char *runtime_path);
/* NULL is allowed. */
void link_abandon(struct linking *linking);

/*
 * Links `code` with object files: `runtime_paths`, a list that ends with NULL (LINK_RUNTIMES_MAX at most), which define
 * among them all that the code calls. `linking`, which this frees, has begun with the first of them; it may be NULL.
 * Opens (does not load) the result. Returns the object, which the caller closes with bpf_object__close(), or NULL with
 * *error set.
 */
struct bpf_object *link_program(struct linking *linking, const struct code *code, const char *const *runtime_paths,
				firewall_describe describe, struct error *error);

#endif
