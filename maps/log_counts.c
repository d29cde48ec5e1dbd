/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/log_counts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

static bool any_logs(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (rule_find_option(ruleset->rules[i], OPTION_LOG))
			return true;
	return false;
}

int log_counts_grow(struct lasting *lasting, const struct pins *pins, const char *object_path,
		    const struct ruleset *ruleset)
{
	if (!any_logs(ruleset) || lasting_entries(lasting, LASTING_LOG_COUNTS) == COUNTER_SLOTS)
		return 0;
	return lasting_grow(lasting, pins, object_path, LASTING_LOG_COUNTS, COUNTER_SLOTS);
}

int log_count_reset(const struct lasting *lasting, __u32 slot)
{
	const struct log_count none = {0};

	return bpf_map_update_elem(lasting->fds[LASTING_LOG_COUNTS], &slot, &none, BPF_EXIST) ? -errno : 0;
}

int log_losses_read(int fd, __u64 *records)
{
	int cpus = libbpf_num_possible_cpus(), result = 0;
	struct log_loss *values = cpus < 0 ? NULL : calloc((size_t)cpus, sizeof(*values));
	__u32 key = 0;

	*records = 0;
	if (!values)
		return cpus < 0 ? cpus : -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, values))
		result = -errno;
	for (int cpu = 0; !result && cpu < cpus; cpu++)
		*records += values[cpu].records;
	free(values);
	return result;
}
