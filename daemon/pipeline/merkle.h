/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 9162 section 2.1, over leaves that are hashed already.
 *
 * A leaf's hash is SHA-256(0x00 ‖ entry), an inner node's SHA-256(0x01 ‖ left ‖ right).
 * MerkleEdge keeps what is needed to go on and to give the root: one hash for each
 * bit of the size.  MerkleTree keeps every full node, for proofs: 64 bytes a leaf. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/digest.h"

#include <stdint.h>

#define MERKLE_LEVELS 48

typedef struct MerkleEdge {
    int64_t size;
    uint8_t full[MERKLE_LEVELS][DIGEST_SIZE]; /* [k]: the full subtree of 2^k leaves, where size has
                                                 bit k */
} MerkleEdge;

void merkle_edge_add(MerkleEdge *edge, const uint8_t leaf[DIGEST_SIZE]);
void merkle_edge_root(const MerkleEdge *edge,
                      uint8_t ret[DIGEST_SIZE]); /* of nothing: SHA-256("") */

typedef struct MerkleTree MerkleTree;

MerkleTree *merkle_tree_new(Arena *arena);
void merkle_tree_add(MerkleTree *tree, const uint8_t leaf[DIGEST_SIZE]);
int64_t merkle_tree_size(const MerkleTree *tree);
/* Of the first `size` leaves, at most as many as there are. */
void merkle_tree_root(const MerkleTree *tree, int64_t size, uint8_t ret[DIGEST_SIZE]);

/* The inclusion path of `leaf` in the first `size` leaves (2.1.3.1), nearest first; how many. */
size_t merkle_tree_proof(const MerkleTree *tree, int64_t leaf, int64_t size,
                         uint8_t ret[MERKLE_LEVELS][DIGEST_SIZE]);

/* 2.1.3.2: does this path lead from the leaf to the root? */
bool merkle_proof_holds(const uint8_t leaf_hash[DIGEST_SIZE], int64_t leaf, int64_t size,
                        const uint8_t path[][DIGEST_SIZE], size_t count,
                        const uint8_t root[DIGEST_SIZE]);
