// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion nodes: one for each post-operation that is owed.
 *
 * The first few are inline in the operation, so that the common path allocates
 * nothing. The next ones come from a pool of the instance that owes: operations
 * take from pools in descending altitude only and so never wait in a circle.
 * A node is never moved, and used once per operation.
 *
 * A node may outlive its instance (the teardown drained it, the operation is
 * still below), hence its pool has a count of its own.
 */
#include <linux/slab.h>

#include "internal.h"

#define FLT_POOL_RESERVE	4

static struct kmem_cache *flt_node_cache;
static struct kmem_cache *flt_saved_cache;

int flt_node_cache_create(void)
{
	flt_node_cache = KMEM_CACHE(flt_node, 0);
	flt_saved_cache = KMEM_CACHE(flt_saved, 0);
	if (flt_node_cache && flt_saved_cache)
		return 0;
	flt_node_cache_destroy();
	return STATUS_INSUFFICIENT_RESOURCES;
}

void flt_node_cache_destroy(void)
{
	kmem_cache_destroy(flt_saved_cache);
	kmem_cache_destroy(flt_node_cache);
}

struct flt_node_pool *flt_node_pool_create(void)
{
	struct flt_node_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	if (mempool_init_slab_pool(&pool->pool, FLT_POOL_RESERVE, flt_node_cache))
		goto free;
	if (mempool_init_slab_pool(&pool->saved, FLT_POOL_RESERVE, flt_saved_cache))
		goto exit;
	kref_init(&pool->ref);
	return pool;

exit:
	mempool_exit(&pool->pool);
free:
	kfree(pool);
	return NULL;
}

/* Any context: mempool_exit() only frees. */
static void flt_node_pool_free(struct kref *ref)
{
	struct flt_node_pool *pool = container_of(ref, struct flt_node_pool, ref);

	mempool_exit(&pool->saved);
	mempool_exit(&pool->pool);
	kfree(pool);
}

void flt_node_pool_put(struct flt_node_pool *pool)
{
	kref_put(&pool->ref, flt_node_pool_free);
}

/* Waits for memory, never fails. The operation stands at @inst. */
static struct flt_node *flt_node_from_pool(struct flt_instance *inst)
{
	struct flt_node *node = mempool_alloc(&inst->pool->pool, GFP_NOIO);

	kref_get(&inst->pool->ref);
	node->pool = inst->pool;
	return node;
}

/*
 * Likewise. Taken before the node: whoever has one of them may wait for the
 * other, but operations free both, and only ever wait for lower instances' pools.
 */
struct flt_saved *flt_saved_alloc(struct flt_instance *inst)
{
	struct flt_saved *saved = mempool_alloc(&inst->pool->saved, GFP_NOIO);

	kref_get(&inst->pool->ref);
	saved->pool = inst->pool;
	saved->retained = false;
	return saved;
}

static void flt_saved_free(struct flt_saved *saved)
{
	struct flt_node_pool *pool = saved->pool;

	mempool_free(saved, &pool->saved);
	flt_node_pool_put(pool);
}

/*
 * Owe @inst its post-op (OWED or KEPT), or only remember what it has changed
 * (DONE). The node is published complete; a teardown's scan may claim it from
 * here on.
 */
struct flt_node *flt_node_push(struct flt_operation *op, struct flt_instance *inst,
			       enum flt_node_state state, void *context,
			       struct flt_walk *sync, struct flt_saved *saved)
{
	struct flt_node *node;

	if (likely(op->nr_nodes < FLT_INLINE_NODES)) {
		node = &op->nodes[op->nr_nodes++];
		node->pool = NULL;
	} else {
		node = flt_node_from_pool(inst);
	}
	node->instance = inst;
	node->instance_id = inst->id;
	node->context = context;
	node->sync = sync;
	node->above = op->last;
	node->saved = saved;
	atomic_set(&node->state, state);
	/* Pairs with the acquire in flt_op_last(). */
	smp_store_release(&op->last, node);
	return node;
}

/* The operation has left the in-flight set. */
void flt_node_free_all(struct flt_operation *op)
{
	struct flt_node *node = op->last, *above;

	for (; node; node = above) {
		struct flt_node_pool *pool = node->pool;

		above = node->above;
		if (unlikely(node->saved))
			flt_saved_free(node->saved);
		if (likely(!pool))
			continue;
		mempool_free(node, &pool->pool);
		flt_node_pool_put(pool);
	}
}
