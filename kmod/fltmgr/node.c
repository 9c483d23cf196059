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
 * still below), hence its pool has a count of its own: one for each CPU, as long
 * as the instance is there.
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

/* Any context: this only frees. */
static void flt_node_pool_free(struct percpu_ref *ref)
{
	struct flt_node_pool *pool = container_of(ref, struct flt_node_pool, ref);

	percpu_ref_exit(&pool->ref);
	mempool_exit(&pool->saved);
	mempool_exit(&pool->pool);
	kfree(pool);
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
	if (flt_fault_point("node_pool") ||
	    percpu_ref_init(&pool->ref, flt_node_pool_free, 0, GFP_KERNEL))
		goto exit_saved;
	return pool;

exit_saved:
	mempool_exit(&pool->saved);
exit:
	mempool_exit(&pool->pool);
free:
	kfree(pool);
	return NULL;
}

/* The instance goes. The last node, or an RCU callback soon, frees the pool. */
void flt_node_pool_kill(struct flt_node_pool *pool)
{
	percpu_ref_kill(&pool->ref);
}

/* Waits for memory, never fails. The operation stands at @inst. */
static struct flt_node *flt_node_from_pool(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_node *node = mempool_alloc(&inst->pool->pool, GFP_NOIO);

	percpu_ref_get(&inst->pool->ref);
	node->pool = inst->pool;
	op->nr_nodes = FLT_INLINE_NODES + 1;
	return node;
}

/*
 * Likewise. Taken before the node: whoever has one of them may wait for the
 * other, but operations free both, and only ever wait for lower instances' pools.
 */
struct flt_saved *flt_saved_alloc(struct flt_instance *inst)
{
	struct flt_saved *saved = mempool_alloc(&inst->pool->saved, GFP_NOIO);

	percpu_ref_get(&inst->pool->ref);
	saved->pool = inst->pool;
	saved->retained = false;
	return saved;
}

static void flt_saved_free(struct flt_saved *saved)
{
	struct flt_node_pool *pool = saved->pool;

	mempool_free(saved, &pool->saved);
	percpu_ref_put(&pool->ref);
}

/*
 * The first node with something extra: from here on that is looked for in all. It
 * is said before the node is published. Pairs with flt_node_saved().
 */
static void flt_node_push_extra(struct flt_operation *op)
{
	struct flt_node *node;

	for (node = op->last; node; node = node->above) {
		node->sync = NULL;
		node->saved = NULL;
	}
	/* After the others have none. Pairs with flt_node_saved(). */
	smp_store_release(&op->extras, true);
}

/*
 * Owe @inst its post-op (OWED or KEPT), or only remember what it has changed
 * (DONE). The node is published complete; a teardown's scan may claim it from
 * here on. The usual case is in fast.h, too.
 */
struct flt_node *flt_node_push(struct flt_operation *op, struct flt_instance *inst,
			       enum flt_node_state state, void *context,
			       struct flt_walk *sync, struct flt_saved *saved)
{
	struct flt_node *node;

	if (unlikely((sync || saved) && !op->extras))
		flt_node_push_extra(op);
	if (likely(op->nr_nodes < FLT_INLINE_NODES))
		node = &op->nodes[op->nr_nodes++];
	else
		node = flt_node_from_pool(op, inst);
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

static bool flt_node_is_inline(const struct flt_operation *op, const struct flt_node *node)
{
	return node >= op->nodes && node < op->nodes + FLT_INLINE_NODES;
}

/* The operation has left the in-flight set, and some of its nodes have to be let go. */
void flt_node_free_all(struct flt_operation *op)
{
	struct flt_node *node = op->last, *above;

	for (; node; node = above) {
		struct flt_saved *saved = flt_node_saved(op, node);
		struct flt_node_pool *pool;

		above = node->above;
		if (saved)
			flt_saved_free(saved);
		if (flt_node_is_inline(op, node))
			continue;
		pool = node->pool;
		mempool_free(node, &pool->pool);
		percpu_ref_put(&pool->ref);
	}
}
