/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 9162 section 2.1. */
#include "daemon/pipeline/merkle.h"

#include <stdlib.h>
#include <string.h>

typedef struct Level {
    uint8_t (*nodes)[DIGEST_SIZE];
    size_t count, capacity;
} Level;

struct MerkleTree {
    Arena *arena;
    Level levels[MERKLE_LEVELS]; /* [k][i]: leaves i·2^k up to (i+1)·2^k, full ones only */
};

static void node_hash(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
                      uint8_t ret[DIGEST_SIZE])
{
    uint8_t bytes[1 + 2 * DIGEST_SIZE] = {1};
    memcpy(bytes + 1, left, DIGEST_SIZE);
    memcpy(bytes + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
    digest_bytes(bytes, sizeof bytes, ret);
}

void merkle_edge_add(MerkleEdge *edge, const uint8_t leaf[DIGEST_SIZE])
{
    uint8_t node[DIGEST_SIZE];
    int level = 0;
    memcpy(node, leaf, sizeof node);
    for (; edge->size >> level & 1; level++)
        node_hash(edge->full[level], node, node);
    memcpy(edge->full[level], node, sizeof node);
    edge->size++;
}

void merkle_edge_root(const MerkleEdge *edge, uint8_t ret[DIGEST_SIZE])
{
    bool some = false;
    for (int level = 0; level < MERKLE_LEVELS; level++) {
        if (!(edge->size >> level & 1))
            continue;
        if (some)
            node_hash(edge->full[level], ret, ret);
        else
            memcpy(ret, edge->full[level], DIGEST_SIZE);
        some = true;
    }
    if (!some)
        digest_bytes("", 0, ret);
}

MerkleTree *merkle_tree_new(Arena *arena)
{
    MerkleTree *tree = arena_alloc(arena, sizeof *tree);
    tree->arena = arena;
    return tree;
}

void merkle_tree_add(MerkleTree *tree, const uint8_t leaf[DIGEST_SIZE])
{
    uint8_t node[DIGEST_SIZE];
    memcpy(node, leaf, sizeof node);
    for (size_t k = 0; k < MERKLE_LEVELS; k++) {
        Level *level = &tree->levels[k];
        level->nodes =
            arena_grow(tree->arena, level->nodes, level->count, &level->capacity, DIGEST_SIZE);
        memcpy(level->nodes[level->count++], node, sizeof node);
        if (level->count % 2)
            return;
        node_hash(level->nodes[level->count - 2], node, node);
    }
}

int64_t merkle_tree_size(const MerkleTree *tree)
{
    return (int64_t)tree->levels[0].count;
}

/* The largest power of two below `size`, as its exponent. */
static int split_of(int64_t size)
{
    int level = 0;
    while ((INT64_C(2) << level) < size)
        level++;
    return level;
}

/* Of the leaves from `from` up to `to`, where `from` is a multiple of the range's power of two. */
static void range_root(const MerkleTree *tree, int64_t from, int64_t to, uint8_t ret[DIGEST_SIZE])
{
    int64_t size = to - from;
    int level = split_of(size);
    uint8_t right[DIGEST_SIZE];
    if (size == 1) {
        memcpy(ret, tree->levels[0].nodes[from], DIGEST_SIZE);
        return;
    }
    if (size == INT64_C(2) << level) {
        memcpy(ret, tree->levels[level + 1].nodes[from >> (level + 1)], DIGEST_SIZE);
        return;
    }
    memcpy(ret, tree->levels[level].nodes[from >> level], DIGEST_SIZE);
    range_root(tree, from + (INT64_C(1) << level), to, right);
    node_hash(ret, right, ret);
}

void merkle_tree_root(const MerkleTree *tree, int64_t size, uint8_t ret[DIGEST_SIZE])
{
    if (size == 0)
        digest_bytes("", 0, ret);
    else
        range_root(tree, 0, size, ret);
}

size_t merkle_tree_proof(const MerkleTree *tree, int64_t leaf, int64_t size,
                         uint8_t ret[MERKLE_LEVELS][DIGEST_SIZE])
{
    int64_t from = 0, to = size;
    size_t count = 0;
    uint8_t path[MERKLE_LEVELS][DIGEST_SIZE];
    while (to - from > 1) {
        int64_t middle = from + (INT64_C(1) << split_of(to - from));
        bool left = leaf < middle;
        range_root(tree, left ? middle : from, left ? to : middle, path[count++]);
        from = left ? from : middle;
        to = left ? middle : to;
    }
    for (size_t i = 0; i < count; i++) /* found from the root down, wanted from the leaf up */
        memcpy(ret[i], path[count - 1 - i], DIGEST_SIZE);
    return count;
}

bool merkle_proof_holds(const uint8_t leaf_hash[DIGEST_SIZE], int64_t leaf, int64_t size,
                        const uint8_t path[][DIGEST_SIZE], size_t count,
                        const uint8_t root[DIGEST_SIZE])
{
    int64_t index = leaf, last = size - 1;
    uint8_t node[DIGEST_SIZE];
    if (leaf < 0 || leaf >= size)
        return false;
    memcpy(node, leaf_hash, sizeof node);
    for (size_t i = 0; i < count; i++) {
        if (last == 0)
            return false;
        if (index & 1 || index == last) {
            node_hash(path[i], node, node);
            while (!(index & 1) && index != 0) {
                index >>= 1;
                last >>= 1;
            }
        } else {
            node_hash(node, path[i], node);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(node, root, DIGEST_SIZE) == 0;
}
