/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into the tool: the kernel does not know TCX, as before Linux 6.6. libbpf reaches it by syscall(3), which is
 * what is interposed here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*syscall_function)(long number, ...);

long syscall(long number, ...);

/* enum bpf_attach_type; older headers lack them. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47

static bool for_tcx(long command, const union bpf_attr *attributes)
{
	__u32 type = 0;

	if (command == BPF_PROG_QUERY)
		type = attributes->query.attach_type;
	else if (command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH)
		type = attributes->attach_type;
	return type == TCX_INGRESS || type == TCX_EGRESS;
}

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
	if (number == SYS_bpf && for_tcx(argument[0], (const union bpf_attr *)argument[1])) {
		errno = EINVAL;
		return -1;
	}
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}
