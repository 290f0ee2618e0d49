/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's process, and those who talk to it. */
#include "store/inside.h"
#include "store/socket.h"
#include "test/unit/store/rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

static const char *store_dir(void)
{
    return rig_path("store");
}

static llm_client_t *client(void)
{
    llm_client_t *made = NULL;
    const char *what = NULL;
    apr_status_t status = llm_client_open(&made, store_dir(), &what, unit_pool);

    ck_assert_msg(status == APR_SUCCESS, "no way to the store: %s", what);
    return made;
}

static const char *call(llm_client_t *to, const char *request)
{
    llm_buf_t *lines = llm_buf_make(0, unit_pool);
    const char *what = NULL;
    apr_status_t status =
        llm_client_call(to, request, rig_keep_line, lines, &what);

    ck_assert_msg(status == APR_SUCCESS, "%s was not answered: %s", request,
                  what);
    llm_buf_putc(lines, '\0');
    return lines->data;
}

/* A question and its answer with a client of their own. */
static const char *ask(const char *request)
{
    llm_client_t *to = client();
    const char *answer = call(to, request);

    llm_client_close(to);
    return answer;
}

/* Until the answer contains it; at most ten seconds. */
static void wait_until(const char *request, const char *wanted)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(10);
    const char *answer = "";

    while (apr_time_now() < end) {
        answer = ask(request);
        if (strstr(answer, wanted)) {
            return;
        }
        apr_sleep(20000);
    }
    ck_abort_msg("%s is not in: %s", wanted, answer);
}

#define CREATE(name) "{\"op\":\"key.create\",\"name\":\"" name "\"}"
#define LIST         "{\"op\":\"key.list\"}"
#define STATUS       "{\"op\":\"status\"}"
#define CHECK        "{\"op\":\"check\"}"

START_TEST(clients_are_answered_online_and_offline)
{
    pid_t pid;
    llm_client_t *to;

    rig_store_close(rig_store());
    to = client();
    ck_assert_int_eq(llm_client_is_online(to), 0);
    rig_contains(call(to, CREATE("offline")), "\"secret\"");
    llm_client_close(to);
    pid = rig_owner();
    to = client();
    ck_assert_int_eq(llm_client_is_online(to), 1);
    rig_contains(call(to, CREATE("online")), "\"secret\"");
    rig_contains(call(to, LIST), "\"name\":\"offline\"");
    rig_contains(call(to, LIST), "{\"done\":{\"keys\":2}}");
    rig_contains(call(to, STATUS),
                 apr_psprintf(unit_pool, "\"pid\":%d,", (int)pid));
    llm_client_close(to);
    rig_owner_stop(pid);
    ck_assert_int_ne(access(rig_path("store/owner.sock"), F_OK), 0);
    rig_contains(ask(LIST), "{\"done\":{\"keys\":2}}");
}
END_TEST

START_TEST(a_missing_store_is_not_made_by_asking)
{
    const char *what = NULL;
    llm_client_t *to;

    ck_assert_int_eq(llm_client_open(&to, rig_path("none"), &what, unit_pool),
                     ENOENT);
    rig_contains(what, "none");
    ck_assert_int_ne(access(rig_path("none"), F_OK), 0);
}
END_TEST

START_TEST(records_are_stored_while_the_owner_runs)
{
    pid_t pid = rig_owner();
    rig_producer_t *producer = rig_producer(0);

    rig_produce(producer, 5000);
    wait_until(STATUS, "\"records\":5000,");
    rig_contains(ask(CHECK), "\"agree\":true");
    rig_produce(producer, 100);
    rig_kill(producer->pid);
    wait_until(STATUS, "\"records\":5100,");
    wait_until(STATUS, "\"journals\":0,");
    rig_owner_stop(pid);
}
END_TEST

START_TEST(a_leaving_owner_drains_once_more)
{
    pid_t pid = rig_owner();
    rig_producer_t *producer = rig_producer(0);
    llm_store_t *store;

    rig_produce(producer, 20000);
    rig_owner_stop(pid);
    rig_kill(producer->pid);
    store = rig_store();
    rig_check(store, 20000);
}
END_TEST

START_TEST(an_owner_killed_at_any_time_is_followed_by_another)
{
    rig_producer_t *producer;
    int i;

    rig_store_close(rig_store());
    producer = rig_producer(0);
    for (i = 0; i < 10; ++i) {
        pid_t pid = rig_owner();

        rig_produce(producer, 500);
        apr_sleep(7000 * i);
        rig_kill(pid);
    }
    rig_kill(producer->pid);
    rig_contains(ask(CHECK), "\"records\":5000,");
    rig_contains(ask(CHECK), "\"agree\":true");
    rig_contains(ask(STATUS), "\"twice\":0,");
}
END_TEST

/* --------------------------------------------------------------- the socket */

static int connect_raw(void)
{
    int fd = -1;

    ck_assert_int_eq(llm_socket_connect(&fd, rig_path("store/owner.sock")),
                     APR_SUCCESS);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

/* What comes until so many lines are there, or the other side hangs up. */
static const char *hear(int fd, int lines)
{
    llm_buf_t *heard = llm_buf_make(0, unit_pool);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char c;

    while (lines && poll(&ready, 1, 10000) > 0 && recv(fd, &c, 1, 0) == 1) {
        llm_buf_putc(heard, c);
        lines -= c == '\n';
    }
    llm_buf_putc(heard, '\0');
    return heard->data;
}

START_TEST(requests_may_come_in_pieces_and_several_at_once)
{
    pid_t pid = rig_owner();
    int fd = connect_raw();
    const char *answer;

    say(fd, "{\"op\":\"key.cre");
    apr_sleep(20000);
    say(fd, "ate\",\"name\":\"a\"}\n{\"op\":\"key.create\",\"name\":\"b\"}\n"
            "{\"op\":\"key.list\"}\n{\"op\":\"key.show\",\"name\":\"b\"}\n");
    answer = hear(fd, 6);
    rig_contains(answer, "{\"done\":{\"key\":{\"id\":1,\"name\":\"a\"");
    rig_contains(answer, "{\"done\":{\"key\":{\"id\":2,\"name\":\"b\"");
    rig_contains(answer, "{\"row\":{\"id\":2,\"name\":\"b\"");
    rig_contains(answer, "{\"done\":{\"keys\":2}}");
    close(fd);
    rig_owner_stop(pid);
}
END_TEST

START_TEST(what_is_not_json_is_answered_with_an_error)
{
    pid_t pid = rig_owner();
    int fd = connect_raw();

    say(fd, "hello\n");
    rig_contains(hear(fd, 1), "{\"error\":{\"code\":\"usage\",\"message\":"
                              "\"not JSON: ");
    say(fd, "\n{\"op\":\"key.list\"}\n");
    rig_contains(hear(fd, 2), "{\"done\":{\"keys\":0}}");
    close(fd);
    rig_owner_stop(pid);
}
END_TEST

START_TEST(a_request_without_end_is_refused)
{
    pid_t pid = rig_owner();
    int fd = connect_raw(), i;
    char block[1024];

    memset(block, '[', sizeof(block));
    for (i = 0; i < 64; ++i) {
        if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    rig_contains(hear(fd, 10), "the request is too long");
    close(fd);
    rig_contains(ask(LIST), "{\"keys\":0}");
    rig_owner_stop(pid);
}
END_TEST

START_TEST(more_clients_than_places_are_served_in_turn)
{
    pid_t pid = rig_owner();
    int fds[80], i;

    for (i = 0; i < 80; ++i) {
        fds[i] = connect_raw();
        say(fds[i], LIST "\n");
    }
    for (i = 0; i < 80; ++i) {
        rig_contains(hear(fds[i], 1), "{\"keys\":0}");
        close(fds[i]);
    }
    rig_owner_stop(pid);
}
END_TEST

/* The answer is a megabyte and more, and nobody takes it. */
START_TEST(a_client_that_does_not_read_holds_up_nobody)
{
    rig_producer_t *producer;
    apr_time_t begin;
    pid_t pid = rig_owner();
    int fds[6], i;

    producer = rig_producer(0);
    rig_produce(producer, 10000);
    wait_until(STATUS, "\"records\":10000,");
    for (i = 0; i < 6; ++i) {
        fds[i] = connect_raw();
        say(fds[i], "{\"op\":\"events\"}\n");
    }
    apr_sleep(300000);
    begin = apr_time_now();
    rig_contains(ask(CREATE("alice")), "\"secret\"");
    ck_assert_int_lt(apr_time_now() - begin, apr_time_from_msec(500));
    rig_produce(producer, 100);
    wait_until(STATUS, "\"records\":10100,");
    begin = apr_time_now();
    rig_owner_stop(pid);
    ck_assert_int_lt(apr_time_now() - begin, apr_time_from_sec(3));
    for (i = 0; i < 6; ++i) {
        close(fds[i]);
    }
    rig_kill(producer->pid);
}
END_TEST

START_TEST(a_client_that_hangs_up_in_mid_answer_is_forgotten)
{
    rig_producer_t *producer;
    pid_t pid = rig_owner();
    int i;

    producer = rig_producer(0);
    rig_produce(producer, 5000);
    wait_until(STATUS, "\"records\":5000,");
    for (i = 0; i < 100; ++i) {
        int fd = connect_raw();

        say(fd, "{\"op\":\"events\"}\n{\"op\":\"events\"}\n" LIST "\n");
        apr_sleep(i * 50);
        close(fd);
    }
    rig_contains(ask(LIST), "{\"keys\":0}");
    rig_kill(producer->pid);
    rig_owner_stop(pid);
}
END_TEST

static int ask_as_nobody(void *baton)
{
    const char *path = baton;
    struct pollfd ready = {.events = POLLIN};
    char byte;

    if (setgid(65533) < 0 || setuid(65534) < 0
        || llm_socket_connect(&ready.fd, path) != APR_SUCCESS) {
        return 1;
    }
    send(ready.fd, LIST "\n", strlen(LIST) + 1, MSG_NOSIGNAL);
    /* It hangs up without an answer. */
    return poll(&ready, 1, 10000) == 1 && recv(ready.fd, &byte, 1, 0) <= 0 ? 0
                                                                           : 1;
}

START_TEST(another_user_is_not_answered)
{
    char *path = apr_pstrdup(unit_pool, rig_path("store/owner.sock"));
    pid_t pid;

    if (geteuid() != 0) {
        return; /* only root can become another user */
    }
    pid = rig_owner();
    /* Even where the permissions would let him. */
    ck_assert_int_eq(chmod(rig_dir, 0755), 0);
    ck_assert_int_eq(chmod(store_dir(), 0755), 0);
    ck_assert_int_eq(chmod(path, 0777), 0);
    ck_assert_int_eq(rig_wait(rig_fork(ask_as_nobody, path)), 0);
    rig_contains(ask(LIST), "{\"keys\":0}");
    rig_owner_stop(pid);
}
END_TEST

START_TEST(the_socket_is_for_its_user_only)
{
    pid_t pid = rig_owner();
    struct stat info;

    ck_assert_int_eq(stat(rig_path("store/owner.sock"), &info), 0);
    ck_assert(S_ISSOCK(info.st_mode));
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    rig_owner_stop(pid);
}
END_TEST

/* An owner with options of the test's. */
typedef struct special_t {
    llm_store_options_t options;
    uid_t uid; /* to become when the socket is bound; 0 not */
} special_t;

static volatile int stop_special;

static void stop_now(int signal_number)
{
    (void)signal_number;
    stop_special = 1;
}

static apr_status_t give_up_root(void *baton, const char *socket_path,
                                 const char *lock_path)
{
    special_t *special = baton;

    (void)socket_path;
    (void)lock_path;
    if (special->uid
        && (setgid(special->uid) < 0 || setuid(special->uid) < 0)) {
        return errno;
    }
    return APR_SUCCESS;
}

static int own_specially(void *baton)
{
    special_t *special = baton;

    signal(SIGTERM, stop_now);
    return llm_owner_run(&special->options, give_up_root, special,
                         &stop_special, unit_pool)
           != APR_SUCCESS;
}

static pid_t start_special(special_t *special)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(10);
    pid_t pid;

    special->options.dir = store_dir();
    special->options.wait = 1;
    pid = rig_fork(own_specially, special);
    while (apr_time_now() < end
           && access(rig_path("store/owner.sock"), F_OK) != 0) {
        apr_sleep(10000);
    }
    return pid;
}

START_TEST(the_socket_may_be_elsewhere_and_its_path_long)
{
    const char *part = "a-folder-whose-name-is-forty-letters-long";
    special_t special = {{.socket = NULL}, 0};
    struct stat info;
    char *path = apr_pstrdup(unit_pool, rig_dir);
    pid_t pid;
    int i;

    for (i = 0; i < 4; ++i) {
        path = apr_pstrcat(unit_pool, path, "/", part, NULL);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    special.options.socket = apr_pstrcat(unit_pool, path, "/sock", NULL);
    ck_assert_uint_gt(strlen(special.options.socket), 108);
    pid = start_special(&special);
    ck_assert_int_eq(lstat(rig_path("store/owner.sock"), &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    rig_contains(ask(LIST), "{\"keys\":0}");
    ck_assert_int_eq(llm_client_is_online(client()), 1);
    rig_owner_stop(pid);
    ck_assert_int_ne(access(special.options.socket, F_OK), 0);
    ck_assert_int_ne(lstat(rig_path("store/owner.sock"), &info), 0);
}
END_TEST

/* What the module does: root prepares, binds, and becomes another user. */
START_TEST(root_binds_and_the_folders_user_goes_on)
{
    special_t special = {{.socket = NULL}, 65534};
    const char *what = NULL;
    struct stat info;
    pid_t pid;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(rig_dir, 0755), 0);
    ck_assert_int_eq(
        llm_store_prepare(store_dir(), 65534, 65534, &what, unit_pool),
        APR_SUCCESS);
    pid = start_special(&special);
    rig_contains(ask(CREATE("alice")), "\"secret\"");
    ck_assert_int_eq(stat(rig_path("store/owner.sock"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
    ck_assert_int_eq(stat(rig_path("store/store.lock"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
    ck_assert_int_eq(stat(rig_path("store/env/keys.db"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
    rig_owner_stop(pid);
}
END_TEST

static int ask_offline_as_root(void *baton)
{
    llm_buf_t *lines = llm_buf_make(0, unit_pool);
    const char *what = NULL;
    llm_client_t *to;

    (void)baton;
    return llm_client_open(&to, store_dir(), &what, unit_pool) != APR_SUCCESS
           || llm_client_call(to, CREATE("bob"), rig_keep_line, lines, &what)
                  != APR_SUCCESS
           || geteuid() != 65534;
}

START_TEST(root_offline_becomes_the_folders_user)
{
    const char *what = NULL;
    struct stat info;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(rig_dir, 0755), 0);
    ck_assert_int_eq(
        llm_store_prepare(store_dir(), 65534, 65534, &what, unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(rig_wait(rig_fork(ask_offline_as_root, NULL)), 0);
    ck_assert_int_eq(stat(rig_path("store/env/keys.db"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
    ck_assert_int_eq(stat(rig_path("store/env/log.0000000001"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
}
END_TEST

/* ------------------------------------------------------------------ clients */

/* Edits, each with an id of its own, for as long as it lives. */
static int edit_for_ever(void *baton)
{
    llm_client_t *to = client();
    unsigned *pfirst = baton, n;

    for (n = 0;; ++n) {
        llm_buf_t *lines = llm_buf_make(0, unit_pool);
        const char *what = NULL;
        const char *request = apr_psprintf(
            unit_pool,
            "{\"op\":\"key.create\",\"id\":\"%u-%u\",\"name\":\"k%u-%u\"}",
            *pfirst, n, *pfirst, n);

        if (llm_client_call(to, request, rig_keep_line, lines, &what)
                != APR_SUCCESS
            || !strstr(lines->data, "\"done\"")) {
            return 1;
        }
    }
}

START_TEST(a_client_killed_at_any_time_leaves_no_half_edit)
{
    pid_t pid = rig_owner();
    unsigned i;

    for (i = 0; i < 25; ++i) {
        pid_t editor = rig_fork(edit_for_ever, &i);

        apr_sleep(1000 + 700 * i);
        rig_kill(editor);
    }
    /* As many names and hashes as keys, and the owner never stopped. */
    rig_contains(ask(CREATE("last")), "\"secret\"");
    rig_owner_stop(pid);
    {
        llm_store_t *store = rig_store();
        unsigned keys = llm_keyring_count(store->keyring);

        ck_assert_uint_gt(keys, 1);
        ck_assert_int_eq(rig_number(store, "{\"op\":\"key.list\"}", "keys"),
                         keys);
    }
}
END_TEST

START_TEST(an_edit_survives_its_owner)
{
    pid_t pid = rig_owner(), next;
    llm_client_t *to = client();

    rig_contains(call(to, "{\"op\":\"key.create\",\"id\":\"1\","
                          "\"name\":\"a\"}"),
                 "\"secret\"");
    rig_kill(pid);
    next = rig_owner();
    /* The same client: its connection is gone, and it asks again. */
    rig_contains(call(to, "{\"op\":\"key.create\",\"id\":\"1\","
                          "\"name\":\"a\"}"),
                 "\"repeated\":true");
    rig_contains(call(to, CREATE("b")), "\"id\":2,");
    llm_client_close(to);
    rig_owner_stop(next);
}
END_TEST

Suite *owner_suite(void)
{
    Suite *suite = suite_create("owner");
    TCase *lives = tcase_create("lives"), *talks = tcase_create("socket"),
          *clients = tcase_create("clients");

    tcase_add_checked_fixture(lives, rig_open, rig_close);
    tcase_set_timeout(lives, 60);
    tcase_add_test(lives, clients_are_answered_online_and_offline);
    tcase_add_test(lives, a_missing_store_is_not_made_by_asking);
    tcase_add_test(lives, records_are_stored_while_the_owner_runs);
    tcase_add_test(lives, a_leaving_owner_drains_once_more);
    tcase_add_test(lives, an_owner_killed_at_any_time_is_followed_by_another);
    tcase_add_test(lives, root_binds_and_the_folders_user_goes_on);
    tcase_add_test(lives, root_offline_becomes_the_folders_user);
    suite_add_tcase(suite, lives);
    tcase_add_checked_fixture(talks, rig_open, rig_close);
    tcase_set_timeout(talks, 60);
    tcase_add_test(talks, requests_may_come_in_pieces_and_several_at_once);
    tcase_add_test(talks, what_is_not_json_is_answered_with_an_error);
    tcase_add_test(talks, a_request_without_end_is_refused);
    tcase_add_test(talks, more_clients_than_places_are_served_in_turn);
    tcase_add_test(talks, a_client_that_does_not_read_holds_up_nobody);
    tcase_add_test(talks, a_client_that_hangs_up_in_mid_answer_is_forgotten);
    tcase_add_test(talks, another_user_is_not_answered);
    tcase_add_test(talks, the_socket_is_for_its_user_only);
    tcase_add_test(talks, the_socket_may_be_elsewhere_and_its_path_long);
    suite_add_tcase(suite, talks);
    tcase_add_checked_fixture(clients, rig_open, rig_close);
    tcase_set_timeout(clients, 60);
    tcase_add_test(clients, a_client_killed_at_any_time_leaves_no_half_edit);
    tcase_add_test(clients, an_edit_survives_its_owner);
    suite_add_tcase(suite, clients);
    return suite;
}
