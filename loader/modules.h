/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules: parts of the runtime that few rules call. Each is an object file per kind of hook, linked only to programs
 * whose rules call it, so that other programs load as fast as before and on kernels that a module asks too much of.
 */
#ifndef LOADER_MODULES_H
#define LOADER_MODULES_H

#include <limits.h>
#include <stddef.h>

#include "ipfw/error.h"
#include "loader/compile/function.h"

struct bpf_object;

#define MODULES_MAX 13
#define MODULE_PATH_MAX (PATH_MAX + 64)

/*
 * Writes the paths of the object files that `code`, generated for a hook of kind `hook` ("xdp" or "tc"), must be
 * linked with. Returns their number, or -1 with *error set when the kernel lacks what one of them needs.
 */
int modules_find(const struct code *code, const char *hook, char paths[MODULES_MAX][MODULE_PATH_MAX],
		 struct error *error);

/*
 * Gives the modules in a linked object, before it is loaded, what they must know. Returns 0 or -errno; *error may say
 * more.
 */
int modules_prepare(struct bpf_object *object, const struct plan *plan, const struct table_epochs *epochs,
		    struct error *error);

/* Fills the maps that modules have to themselves, once the object is loaded. Returns 0 or -errno. */
int modules_fill(struct bpf_object *object, const struct plan *plan);

#endif
