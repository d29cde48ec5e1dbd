/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For libraries that are preloaded into a program under test: stands between it and bpf(2). libbpf and libxdp reach the
 * kernel by syscall(3), which is what is interposed here. To be included once, behind nothing of the program's.
 */
#ifndef FAULT_INTERPOSE_H
#define FAULT_INTERPOSE_H

#include <dlfcn.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*syscall_function)(long number, ...);

long syscall(long number, ...);

/*
 * What the library decides: whether the call with this command (enum bpf_cmd), which is about to be made, shall fail.
 * Sets errno then; it need not return.
 */
static bool refused(long command, const union bpf_attr *attributes);

long syscall(long number, ...)
{
	static syscall_function next;
	long argument[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	if (!next)
		next = (syscall_function)dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && refused(argument[0], (const union bpf_attr *)argument[1]))
		return -1;
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}

#endif
