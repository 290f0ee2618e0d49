/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the store live: asking for what came after a number, again and
 * again (store/command.h, "follow").
 *
 * While a gateway runs its store's owner is asked, over one connection; when
 * that is lost, the next owner is asked from the same number on. While none
 * runs nothing can arrive but what a gateway left in its journals: that is
 * looked at once, by opening the store as every other command does, and the
 * store is closed again before anything is waited for. From then on only the
 * socket is tried, so no gateway finds its store taken.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#define ALONE_AFTER 8 /* turns without an owner before the store is opened */

typedef struct following_t {
    const ctl_follow_t *follow;
    ctl_t turn;            /* of this turn: its pool, its connection */
    apr_pool_t *door_pool; /* of the connection */
    apr_int64_t after;     /* -1: nothing was asked yet */
    char identity[20];     /* of the store */
    unsigned alone;        /* turns without an owner */
    int is_open;           /* the store is open here: for one turn */
    int looked;            /* since the last owner left */
} following_t;

static void hang_up(following_t *following)
{
    if (following->turn.client) {
        following->turn.world->door->close(following->turn.client);
        following->turn.client = NULL;
    }
    following->is_open = 0;
    apr_pool_clear(following->door_pool);
}

/* Someone to ask; NULL for now. *pstatus: when there will never be one. */
static int find_owner(following_t *following)
{
    ctl_t *ctl = &following->turn;
    const ctl_door_t *door = ctl->world->door;
    const char *what = NULL;
    char text[128];
    apr_status_t status =
        door->connect(&ctl->client, ctl->store, &what, following->door_pool);

    if (status == APR_SUCCESS) {
        following->alone = 0;
        following->looked = 0;
        return CTL_DONE;
    }
    ctl->client = NULL;
    if (following->looked
        || (following->after >= 0 && ++following->alone < ALONE_AFTER)) {
        return CTL_DONE;
    }
    following->looked = 1;
    status = door->open(&ctl->client, ctl->store, &what, following->door_pool);
    if (status == APR_SUCCESS) {
        following->is_open = !door->is_online(ctl->client);
        return CTL_DONE;
    }
    ctl->client = NULL;
    return following->after >= 0
               ? CTL_DONE
               : ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                          "the store %s cannot be reached: %s", ctl->store,
                          what ? what
                               : apr_strerror(status, text, sizeof(text)));
}

static void take_row(void *baton, const llm_json_t *row)
{
    following_t *following = baton;
    apr_int64_t number;

    /* A connection that breaks in the middle of an answer loses the rest of
     * it only. */
    if (llm_json_int(llm_json_get(row, "number"), &number)) {
        following->after = number;
    }
    following->follow->row(following->follow->baton, row);
}

/* Is it the store it was? Else its numbers begin anew. */
static int is_same(following_t *following, const llm_json_t *done)
{
    const char *identity =
        llm_json_string(llm_json_get(done, "identity"), following->turn.pool);
    int is = !following->identity[0] || !identity
             || !strcmp(identity, following->identity);

    apr_cpystrn(following->identity, identity ? identity : "",
                sizeof(following->identity));
    return is;
}

static int take_done(following_t *following, const llm_json_t *done)
{
    ctl_t *ctl = &following->turn;
    apr_int64_t missed = 0, next = 0;

    if (!is_same(following, done)) {
        ctl_remark(ctl, "Another store took this one's place.");
    }
    if (llm_json_int(llm_json_get(done, "missed"), &missed) && missed) {
        ctl_remark(ctl,
                   "%" APR_INT64_T_FMT " requests went by without being seen.",
                   missed);
    }
    if (llm_json_int(llm_json_get(done, "next"), &next)) {
        following->after = next;
    }
    return following->follow->turn(following->follow->baton);
}

static int ask_owner(following_t *following)
{
    const ctl_follow_t *follow = following->follow;
    ctl_t *ctl = &following->turn;
    llm_buf_t *request = ctl_request(ctl, "follow");
    const llm_json_t *done;
    int is_lost, status;

    if (following->after < 0) {
        ctl_request_raw(request, "last",
                        apr_psprintf(ctl->pool, "%u", follow->last));
    }
    else {
        ctl_request_raw(
            request, "after",
            apr_psprintf(ctl->pool, "%" APR_INT64_T_FMT, following->after));
    }
    follow->ask(request, follow->baton, ctl->pool);
    status = ctl_ask_maybe(ctl, request, take_row, following, &done, &is_lost);
    if (is_lost) {
        hang_up(following);
        return CTL_DONE;
    }
    if (status == CTL_DONE && take_done(following, done)) {
        status = CTL_REFUSED;
    }
    if (following->is_open) {
        hang_up(following); /* it is not ours to keep */
    }
    return status;
}

int ctl_follow(const ctl_follow_t *follow)
{
    following_t following = {.follow = follow, .after = -1};
    const ctl_world_t *world = follow->ctl->world;
    int status = CTL_DONE;

    following.turn = *follow->ctl;
    following.turn.client = NULL;
    apr_pool_create(&following.turn.pool, follow->ctl->pool);
    apr_pool_create(&following.door_pool, follow->ctl->pool);
    while (status == CTL_DONE && !world->wait(0)) {
        apr_pool_clear(following.turn.pool);
        if (!following.turn.client) {
            status = find_owner(&following);
        }
        if (status == CTL_DONE && following.turn.client) {
            status = ask_owner(&following);
        }
        if (status == CTL_DONE && world->wait(follow->every)) {
            break;
        }
    }
    hang_up(&following);
    return status;
}
