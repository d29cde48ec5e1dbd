/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes generated code as a relocatable BPF ELF object that libbpf's linker joins with a runtime object.
 *
 * Its BTF describes the functions (the verifier needs the type of struct packet) and its line information has the rules
 * as source text, so that `bpftool prog dump xlated linum` shows each rule above its instructions.
 */
#ifndef COMPILE_OBJECT_H
#define COMPILE_OBJECT_H

#include "loader/compile/function.h"
#include "loader/firewall.h"

struct btf;

/*
 * Writes `code` to the file descriptor `fd`, from its start. `runtimes`, a list that ends with NULL, is the BTF of the
 * runtime objects, from which the types of the functions are taken; `describe` gives the text of a rule. Returns 0 or
 * -errno; the file is garbage then.
 */
int object_write(int fd, const struct code *code, const struct btf *const *runtimes, firewall_describe describe);

#endif
