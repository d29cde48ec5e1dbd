/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/gate.h"

void gate_init(struct gate *gate)
{
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->moved, NULL);
	gate->stage = 0;
}

void gate_destroy(struct gate *gate)
{
	pthread_cond_destroy(&gate->moved);
	pthread_mutex_destroy(&gate->mutex);
}

void gate_move(struct gate *gate, int stage)
{
	pthread_mutex_lock(&gate->mutex);
	gate->stage = stage;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->mutex);
}

int gate_wait(struct gate *gate, int stage)
{
	int reached;

	pthread_mutex_lock(&gate->mutex);
	while (gate->stage < stage)
		pthread_cond_wait(&gate->moved, &gate->mutex);
	reached = gate->stage;
	pthread_mutex_unlock(&gate->mutex);
	return reached;
}
