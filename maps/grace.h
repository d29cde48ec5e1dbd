/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAPS_GRACE_H
#define MAPS_GRACE_H

/* Waits until no packet goes by what maps held before the call: tens of milliseconds. */
void wait_for_packets(void);

#endif
