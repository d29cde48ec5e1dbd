/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/fib.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sysexits.h>

#include "loader/netlink.h"

/* Before the table "main" (32766) and behind "local" (0). */
#define RULE_PRIORITY 10000
/* Says who made a rule; not used by any routing daemon. */
#define RULE_PROTOCOL 105
#define DUMP_ATTEMPTS 8

static const __u8 families[] = {AF_INET, AF_INET6};

/* A number out of a table may be any. */
static void note_all(struct fib_tables *tables)
{
	for (size_t table = 1; table < ROUTING_TABLES; table++)
		tables->used[table] = true;
}

int fib_collect(struct fib_tables *tables, const struct ruleset *ruleset, struct error *error)
{
	memset(tables, 0, sizeof(*tables));
	for (size_t i = 0; i < ruleset->count; i++) {
		const struct action *action = rule_action(ruleset->rules[i]);

		if (action->code != ACTION_SETFIB || ruleset->disabled_sets & 1u << ruleset->rules[i]->set)
			continue;
		if (action_table_value(action)) {
			note_all(tables);
			continue;
		}
		if (action->argument > CARRY_FIB_MAX)
			return error_set(error, EX_DATAERR, -1, "rule %u: setfib %u: tables have numbers up to %u",
					 ruleset->rules[i]->number, action->argument, CARRY_FIB_MAX);
		tables->used[action->argument] = true;
	}
	return 0;
}

bool fib_any(const struct fib_tables *tables)
{
	for (size_t table = 1; table <= CARRY_FIB_MAX; table++)
		if (tables->used[table])
			return true;
	return false;
}

/* Attributes of a rule, of which none is missing in ours. */
struct seen {
	__u32 mark, mask, table, priority;
	__u8 protocol;
};

static int read_attribute(const struct nlattr *attribute, void *data)
{
	struct seen *seen = data;
	__u32 *words[FRA_MAX + 1] = {[FRA_FWMARK] = &seen->mark,
				     [FRA_FWMASK] = &seen->mask,
				     [FRA_TABLE] = &seen->table,
				     [FRA_PRIORITY] = &seen->priority};
	__u16 type = mnl_attr_get_type(attribute);

	if (type <= FRA_MAX && words[type] && mnl_attr_get_payload_len(attribute) == sizeof(__u32))
		*words[type] = mnl_attr_get_u32(attribute);
	else if (type == FRA_PROTOCOL && mnl_attr_get_payload_len(attribute) == sizeof(__u8))
		seen->protocol = mnl_attr_get_u8(attribute);
	return MNL_CB_OK;
}

/* Notes a rule of ours in the struct fib_tables. */
static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct fib_tables *present = data;
	struct seen seen = {0};

	if (message->nlmsg_type != RTM_NEWRULE)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(struct fib_rule_hdr), read_attribute, &seen);
	if (seen.protocol == RULE_PROTOCOL && seen.priority == RULE_PRIORITY && seen.mask == CARRY_FIB_MASK &&
	    seen.table <= CARRY_FIB_MAX && seen.mark == seen.table << CARRY_FIB_SHIFT)
		present->used[seen.table] = true;
	return MNL_CB_OK;
}

static int read_rules(struct mnl_socket *netlink, __u8 family, struct fib_tables *present)
{
	int result = -EINTR;

	for (int attempt = 0; attempt < DUMP_ATTEMPTS && result == -EINTR; attempt++) {
		char buffer[NETLINK_BYTES];
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

		memset(present, 0, sizeof(*present));
		request->nlmsg_type = RTM_GETRULE;
		header->family = family;
		result = netlink_dump(netlink, request, read_rule, present);
	}
	return result;
}

/* Adds (RTM_NEWRULE) or removes (RTM_DELRULE) the rule of a table; somebody else may have done it already. */
static int change_rule(struct mnl_socket *netlink, __u16 type, __u8 family, __u32 table)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	int result;

	request->nlmsg_type = type;
	header->family = family;
	header->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(request, FRA_TABLE, table);
	mnl_attr_put_u32(request, FRA_FWMARK, table << CARRY_FIB_SHIFT);
	mnl_attr_put_u32(request, FRA_FWMASK, CARRY_FIB_MASK);
	mnl_attr_put_u32(request, FRA_PRIORITY, RULE_PRIORITY);
	mnl_attr_put_u8(request, FRA_PROTOCOL, RULE_PROTOCOL);
	result = netlink_change(netlink, request, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0);
	return result == -EEXIST || result == -ENOENT ? 0 : result;
}

/* Adds what is wanted and not present, or removes what is present and not wanted. */
static int change_rules(struct mnl_socket *netlink, __u16 type, __u8 family, const struct fib_tables *wanted)
{
	struct fib_tables present;
	int result = read_rules(netlink, family, &present);

	/* A kernel without IPv6 has no rules for it, and needs none. */
	if (result)
		return result == -EAFNOSUPPORT && (family == AF_INET6 || type == RTM_DELRULE) ? 0 : result;
	for (__u32 table = 1; !result && table <= CARRY_FIB_MAX; table++)
		if (present.used[table] != wanted->used[table] && present.used[table] == (type == RTM_DELRULE))
			result = change_rule(netlink, type, family, table);
	return result;
}

static int change_all(__u16 type, const struct fib_tables *wanted)
{
	struct mnl_socket *netlink = netlink_open(NETLINK_ROUTE);
	int result = netlink ? 0 : -errno;

	for (size_t i = 0; !result && i < sizeof(families); i++)
		result = change_rules(netlink, type, families[i], wanted);
	if (netlink)
		mnl_socket_close(netlink);
	return result;
}

int fib_ensure(const struct fib_tables *tables)
{
	return fib_any(tables) ? change_all(RTM_NEWRULE, tables) : 0;
}

int fib_trim(const struct fib_tables *tables)
{
	static const struct fib_tables none;

	return change_all(RTM_DELRULE, tables ? tables : &none);
}
