/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding of long pieces.
 *
 * Runs of one kind of character are one piece, however long: ideographs, which
 * have thousands of pairs of their own, or a letter that somebody leant on,
 * which has one pair, a hundred thousand times.
 *
 * The places where a pair stands are kept by the pair's rank, leftmost first,
 * and a heap tells the lowest rank there is. So a run of one letter costs no
 * sorting at all, and other texts that of their different pairs. What a merge
 * has made out of date stays where it is until it comes up: the list of parts
 * no longer agrees with it then.
 */
#include "core/llm_bpe_internal.h"

/* Parts as a list, the element's index being where it begins. */
typedef struct link_t {
    apr_uint32_t before, after; /* where the neighbours begin */
    apr_uint32_t id;            /* the token it is */
    apr_uint32_t rank;          /* of the pair with the next one */
} link_t;

/* What two tokens make; texts repeat their pairs. */
typedef struct pair_t {
    apr_uint32_t left, right; /* ids, from 1; 0 nothing is here */
    apr_uint32_t rank;        /* or NONE */
} pair_t;

#define PAIRS 8192 /* remembered; a power of two */

/* A place where a pair stands, or stood; they are numbered from 1. */
typedef struct place_t {
    apr_uint32_t at;
    apr_uint32_t next; /* of the same rank; 0 none */
} place_t;

/* All places of a rank. */
typedef struct rank_t {
    apr_uint32_t rank;        /* NONE: no rank is here */
    apr_uint32_t first, last; /* of its places; 0 none */
    int is_sorted;            /* leftmost first */
    int is_due;               /* it is in the heap */
} rank_t;

typedef struct piece_t {
    const llm_encoding_t *encoding;
    const unsigned char *data;
    apr_uint32_t len;
    link_t *links;
    place_t *places;
    rank_t *ranks;
    apr_uint32_t mask;  /* slots of `ranks`, less one */
    apr_uint32_t count; /* of places */
    apr_uint32_t *heap; /* ranks, lowest first */
    apr_uint32_t due;   /* how many */
    pair_t *pairs;
} piece_t;

/* A pair for each byte, and two new ones for each merge. */
#define PLACES_FOR(len) (3 * (apr_size_t)(len) + 1)

/* A power of two with room for every place's rank and then some. */
static apr_uint32_t slots_for(const llm_encoding_t *encoding, apr_size_t len)
{
    apr_size_t ranks = PLACES_FOR(len);
    apr_uint32_t slots = 64;

    if (ranks > encoding->tokens) {
        ranks = encoding->tokens;
    }
    while (slots < ranks + ranks / 2) {
        slots *= 2;
    }
    return slots;
}

static void make_room(llm_bpe_room_t *room, const llm_encoding_t *encoding,
                      apr_size_t len)
{
    if (!room->pairs) {
        room->pairs = apr_pcalloc(room->pool, sizeof(pair_t) * PAIRS);
    }
    if (len > room->size) {
        room->size = len > 2 * room->size ? len : 2 * room->size;
        len = room->size;
        room->links = apr_palloc(room->pool, sizeof(link_t) * (len + 1));
        room->places =
            apr_palloc(room->pool, sizeof(place_t) * PLACES_FOR(len));
        room->ranks =
            apr_palloc(room->pool, sizeof(rank_t) * slots_for(encoding, len));
        room->heap =
            apr_palloc(room->pool, sizeof(apr_uint32_t) * PLACES_FOR(len));
    }
}

static rank_t *find_rank(piece_t *piece, apr_uint32_t rank)
{
    apr_uint32_t slot = rank * 0x9E3779B1u >> 8 & piece->mask;

    while (piece->ranks[slot].rank != rank && piece->ranks[slot].rank != NONE) {
        slot = (slot + 1) & piece->mask;
    }
    return piece->ranks + slot;
}

static void heap_push(piece_t *piece, apr_uint32_t rank)
{
    apr_uint32_t at = piece->due++;

    while (at && piece->heap[(at - 1) / 2] > rank) {
        piece->heap[at] = piece->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    piece->heap[at] = rank;
}

static void heap_pop(piece_t *piece)
{
    apr_uint32_t *heap = piece->heap, rank = heap[--piece->due];
    apr_uint32_t at = 0, child;

    while ((child = 2 * at + 1) < piece->due) {
        if (child + 1 < piece->due && heap[child + 1] < heap[child]) {
            ++child;
        }
        if (heap[child] >= rank) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = rank;
}

/* Notes that the pair of this rank stands there. */
static void add_place(piece_t *piece, apr_uint32_t rank, apr_uint32_t at)
{
    rank_t *places = find_rank(piece, rank);
    apr_uint32_t new = ++piece->count;

    piece->places[new].at = at;
    piece->places[new].next = 0;
    if (places->rank == NONE) {
        *places = (rank_t){rank, 0, 0, 1, 0};
    }
    if (places->first) {
        places->is_sorted &= piece->places[places->last].at < at;
        piece->places[places->last].next = new;
    }
    else {
        places->first = new;
        places->is_sorted = 1;
    }
    places->last = new;
    if (!places->is_due) {
        places->is_due = 1;
        heap_push(piece, rank);
    }
}

/* Two lists that are in order as one. */
static apr_uint32_t merge_places(place_t *places, apr_uint32_t a,
                                 apr_uint32_t b)
{
    apr_uint32_t first = 0, *end = &first;

    while (a && b) {
        apr_uint32_t *lower = places[a].at <= places[b].at ? &a : &b;

        *end = *lower;
        end = &places[*lower].next;
        *lower = *end;
    }
    *end = a ? a : b;
    return first;
}

/* Bottom up: sorted[n] holds 2^n of them, or none. */
static void sort_places(piece_t *piece, rank_t *rank)
{
    apr_uint32_t sorted[32] = {0}, next, one;
    place_t *places = piece->places;
    int n, most = 0;

    for (one = rank->first; one; one = next) {
        next = places[one].next;
        places[one].next = 0;
        for (n = 0; sorted[n]; ++n) {
            one = merge_places(places, sorted[n], one);
            sorted[n] = 0;
        }
        sorted[n] = one;
        most = n > most ? n : most;
    }
    for (one = 0, n = 0; n <= most; ++n) {
        one = merge_places(places, sorted[n], one);
    }
    for (rank->first = one; places[one].next; one = places[one].next) {
    }
    rank->last = one;
    rank->is_sorted = 1;
}

/* The rank of what a part and the next one make. */
static apr_uint32_t find_pair(piece_t *piece, apr_uint32_t at)
{
    const link_t *part = piece->links + at, *next;
    apr_uint32_t left, right;
    pair_t *pair;

    if (part->after >= piece->len) {
        return NONE;
    }
    next = piece->links + part->after;
    left = part->id + 1;
    right = next->id + 1;
    pair = piece->pairs
           + ((left * 0x9E3779B1u ^ right * 0x85EBCA77u) >> 8) % PAIRS;
    if (pair->left != left || pair->right != right) {
        *pair = (pair_t){
            left, right,
            find_token(piece->encoding, piece->data + at, next->after - at)};
    }
    return pair->rank;
}

static void rank_pair(piece_t *piece, apr_uint32_t at)
{
    link_t *part = piece->links + at;

    part->rank = find_pair(piece, at);
    if (part->rank != NONE) {
        add_place(piece, part->rank, at);
    }
}

/* Joins the part at `at` with the next one, which is no part any more. */
static void merge_pair(piece_t *piece, apr_uint32_t at)
{
    link_t *links = piece->links;
    apr_uint32_t next = links[at].after;

    links[at].id = links[at].rank; /* a token's rank is its id */
    links[at].after = links[next].after;
    links[next].rank = NONE;
    if (links[at].after < piece->len) {
        links[links[at].after].before = at;
    }
    rank_pair(piece, at);
    if (at) {
        rank_pair(piece, links[at].before);
    }
}

/* Merges the lowest pair, leftmost first, until none is left. */
static void merge_all(piece_t *piece)
{
    while (piece->due) {
        rank_t *lowest = find_rank(piece, piece->heap[0]);
        apr_uint32_t at;

        if (!lowest->first) {
            lowest->is_due = 0;
            heap_pop(piece);
            continue;
        }
        if (!lowest->is_sorted) {
            sort_places(piece, lowest);
        }
        at = piece->places[lowest->first].at;
        lowest->first = piece->places[lowest->first].next;
        if (piece->links[at].rank == lowest->rank) {
            merge_pair(piece, at);
        }
    }
}

apr_size_t llm_bpe_merge_long(const llm_encoding_t *encoding,
                              const unsigned char *data, apr_size_t len,
                              apr_uint32_t *ids, llm_bpe_room_t *room)
{
    piece_t piece = {.encoding = encoding,
                     .data = data,
                     .len = (apr_uint32_t)len,
                     .mask = slots_for(encoding, len) - 1};
    apr_size_t count = 0;

    make_room(room, encoding, len);
    piece.links = room->links;
    piece.places = room->places;
    piece.ranks = room->ranks;
    piece.heap = room->heap;
    piece.pairs = room->pairs;
    memset(piece.ranks, 0xff, sizeof(rank_t) * ((apr_size_t)piece.mask + 1));
    for (apr_uint32_t i = 0; i < piece.len; ++i) {
        piece.links[i].before = i ? i - 1 : 0;
        piece.links[i].after = i + 1;
        piece.links[i].id = find_token(encoding, data + i, 1);
    }
    for (apr_uint32_t i = 0; i < piece.len; ++i) {
        rank_pair(&piece, i);
    }
    merge_all(&piece);
    for (apr_uint32_t i = 0; i < piece.len; i = piece.links[i].after) {
        if (ids) {
            ids[count] = piece.links[i].id;
        }
        ++count;
    }
    return count;
}
