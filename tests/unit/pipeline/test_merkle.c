/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of RFC 9162: roots and paths worked out elsewhere (from the RFC's own definition), and
 * the known roots of Certificate Transparency's eight test leaves. */
#include "daemon/pipeline/merkle.h"

#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define MOST 40

static void leaf_of(const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    digest_add(digest, "", 1);
    digest_add(digest, bytes, size);
    digest_finish(digest, ret);
}

static void event_leaf(int number, uint8_t ret[DIGEST_SIZE])
{
    char text[24];
    int size = snprintf(text, sizeof text, "event %d", number);
    leaf_of(text, (size_t)size, ret);
}

static void expect(const uint8_t root[DIGEST_SIZE], const char *wanted)
{
    char hex[DIGEST_HEX_SIZE];
    ck_assert_str_eq(digest_hex(root, hex), wanted);
}

static const struct {
    int size;
    const char *root;
} roots[] = {
    {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {1, "a344deda6399e079700f18caccc174ed11ef1b1d164271e3a95d82c734466977"},
    {2, "9597a008c399108ddc67f881629dfbda16be63fcb74b42892f749dde08d3364a"},
    {3, "72e0d17598d40c143f14ebfb05e2c5c4ddd6bebf165f3569443ac4695887d302"},
    {7, "b41d61b2e0cdce6e80fb379cb6e3bbd00ffb7fb3baa825195ef1f8a0e916bd7f"},
    {8, "b85fa09c40ad92872ba33e56c146e2920d23e82a8b75544cf60ed65a1bf8628d"},
    {13, "0cf7a0d109878ab82267253ef985c055b90ceb58b31995e85aca4591260f5e83"},
    {32, "30cd8082cb98922108271f6d983612c19abb37118302a7a25fabdf3d69d34cc7"},
    {40, "7fbe065eb1ecd3d492bbd2eca269c69664c1d240bef9ab9a10fe1da35afaee40"},
};

START_TEST(has_the_roots_of_the_rfc)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    MerkleTree *tree = merkle_tree_new(arena);
    uint8_t leaf[DIGEST_SIZE], root[DIGEST_SIZE];
    for (int i = 0; i < MOST; i++) {
        event_leaf(i, leaf);
        merkle_tree_add(tree, leaf);
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        MerkleEdge edge = {0};
        for (int k = 0; k < roots[i].size; k++) {
            event_leaf(k, leaf);
            merkle_edge_add(&edge, leaf);
        }
        merkle_edge_root(&edge, root);
        expect(root, roots[i].root);
        merkle_tree_root(tree, roots[i].size, root);
        expect(root, roots[i].root);
    }
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *root;
} transparency[] = {
    {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"PQRSTUVW", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"`abcdefghijklmno", 16, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

START_TEST(has_the_roots_of_certificate_transparency)
{
    MerkleEdge edge = {0};
    uint8_t leaf[DIGEST_SIZE], root[DIGEST_SIZE];
    for (size_t i = 0; i < sizeof transparency / sizeof *transparency; i++) {
        leaf_of(transparency[i].bytes, transparency[i].size, leaf);
        merkle_edge_add(&edge, leaf);
        merkle_edge_root(&edge, root);
        expect(root, transparency[i].root);
    }
}
END_TEST

static const struct {
    int leaf, size;
    const char *path;
} paths[] = {
    {0, 1, ""},
    {6, 7,
     "9fc4d23834d46e09fd77234a04b9d6ea86372a244ef6ccfd878c3cd2443a06e5"
     "7f4975ae5b9ea05a1ad4eb463d5f20924087048e978cf6b342036eec5c9057e6"},
    {12, 13,
     "b043e233372812255fd318aae3dd23b0874008228612e2f4d7f65b8afa125a5f"
     "b85fa09c40ad92872ba33e56c146e2920d23e82a8b75544cf60ed65a1bf8628d"},
    {39, 40,
     "c3ef38e7d10271452bd2c0a0f3b89788a02fc6aaa0c300f8ae514ba37ca40017"
     "04e45e96e617cce18ed531cc88864494dcdfea8ab94621d1d7805c928a49aa74"
     "ef4219711dafbcd6ca00298d54b08ba2ad3f9fd82afaaa8461ae7c095d62f95d"
     "30cd8082cb98922108271f6d983612c19abb37118302a7a25fabdf3d69d34cc7"},
};

static MerkleTree *tree_of(Arena *arena, int size)
{
    MerkleTree *tree = merkle_tree_new(arena);
    for (int i = 0; i < size; i++) {
        uint8_t leaf[DIGEST_SIZE];
        event_leaf(i, leaf);
        merkle_tree_add(tree, leaf);
    }
    return tree;
}

START_TEST(gives_the_paths_of_the_rfc)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    MerkleTree *tree = tree_of(arena, MOST);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        uint8_t path[MERKLE_LEVELS][DIGEST_SIZE];
        char hex[DIGEST_HEX_SIZE];
        Text text = text_new(arena, 4096);
        size_t count = merkle_tree_proof(tree, paths[i].leaf, paths[i].size, path);
        for (size_t k = 0; k < count; k++)
            text_add(&text, digest_hex(path[k], hex));
        ck_assert_str_eq(text_get(&text), paths[i].path);
    }
}
END_TEST

/* Every leaf of every size: the path holds, and with anything changed it does not. */
START_TEST(paths_hold_for_their_leaf_only)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    MerkleTree *tree = tree_of(arena, MOST);
    for (int size = 1; size <= MOST; size++) {
        uint8_t root[DIGEST_SIZE], leaf[DIGEST_SIZE], path[MERKLE_LEVELS][DIGEST_SIZE];
        merkle_tree_root(tree, size, root);
        for (int i = 0; i < size; i++) {
            size_t count = merkle_tree_proof(tree, i, size, path);
            event_leaf(i, leaf);
            ck_assert(merkle_proof_holds(leaf, i, size, path, count, root));
            ck_assert(!merkle_proof_holds(leaf, i + 1, size, path, count, root) || size == 1);
            ck_assert(!merkle_proof_holds(leaf, i, size, path, count + 1, root));
            leaf[i % DIGEST_SIZE] ^= 1;
            ck_assert(!merkle_proof_holds(leaf, i, size, path, count, root));
        }
    }
}
END_TEST

SUITE("pipeline/merkle", has_the_roots_of_the_rfc, has_the_roots_of_certificate_transparency,
      gives_the_paths_of_the_rfc, paths_hold_for_their_leaf_only);
