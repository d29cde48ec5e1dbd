/* SPDX-License-Identifier: GPL-2.0-only */
/* How far one thread has come, for others to wait for. */
#ifndef LOADER_GATE_H
#define LOADER_GATE_H

#include <pthread.h>

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	int stage; /* begins with 0, never falls */
};

void gate_init(struct gate *gate);
/* No thread may wait any more. */
void gate_destroy(struct gate *gate);
/* What has been written before is seen by those who have waited for this stage. */
void gate_move(struct gate *gate, int stage);
/* Waits until the stage is reached, or a later one. Returns the one that it is. */
int gate_wait(struct gate *gate, int stage);

#endif
