/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking a firewall away. One store first: no packet is filtered from then on, and a process that dies later leaves a
 * firewall that was never committed, which the next writer goes on with or takes down. Pins go last, `control` first
 * among them.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "loader/fib.h"
#include "loader/hooks.h"
#include "loader/state.h"

int firewall_release(struct firewall *firewall, struct error *error)
{
	struct interface_list interfaces;
	struct hooks hooks;
	int result;

	lasting_switch(&firewall->lasting, 0, false);
	result = interface_list_read(&interfaces);
	if (!result)
		result = hooks_open(&hooks, &firewall->lasting, &interfaces);
	if (result) {
		interface_list_free(&interfaces);
		return error_set(error, EX_OSERR, -1, "cannot read interfaces and entry programs: %s",
				 strerror(-result));
	}
	result = hooks_release(&hooks, &firewall->pins, error);
	hooks_close(&hooks);
	interface_list_free(&interfaces);
	if (result)
		return result;
	result = fib_trim(NULL);
	return result ? error_set(error, EX_OSERR, -1, "cannot remove the routing rules of setfib: %s",
				  strerror(-result))
		      : 0;
}

int firewall_take_down(struct firewall *firewall, struct error *error)
{
	int result;

	if (firewall_release(firewall, error))
		return -1;
	lasting_unpin(&firewall->pins);
	lasting_close(&firewall->lasting);
	result = bpffs_remove_tree(firewall->pins.directory);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot remove %s: %s", pins_shown(firewall->pins.directory),
				 strerror(-result));
	return 0;
}

int firewall_down(struct firewall *firewall, struct error *error)
{
	if (firewall->access == FIREWALL_READ)
		return firewall_check_write(firewall, error);
	if (firewall->lasting.control && firewall_take_down(firewall, error))
		return -1;
	if (firewall->pins.lock >= 0)
		pins_sweep_dead(&firewall->pins, lasting_namespace_inode);
	return 0;
}
