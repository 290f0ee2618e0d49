/* SPDX-License-Identifier: Apache-2.0 */
/* Listening, connecting, accepting. */
#include "store/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#define BACKLOG 64

/* *pfolder: a descriptor that must stay open while the address is used, or
 * -1. */
static apr_status_t make_address(struct sockaddr_un *address, int *pfolder,
                                 const char *path)
{
    const char *name = strrchr(path, '/');
    char folder[APR_PATH_MAX];
    int len;

    *pfolder = -1;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if (strlen(path) < sizeof(address->sun_path)) {
        memcpy(address->sun_path, path, strlen(path));
        return APR_SUCCESS;
    }
    if (!name || (apr_size_t)(name - path) >= sizeof(folder)) {
        return APR_ENAMETOOLONG;
    }
    apr_cpystrn(folder, path, (apr_size_t)(name - path) + 1);
    *pfolder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*pfolder < 0) {
        return errno;
    }
    len = snprintf(address->sun_path, sizeof(address->sun_path),
                   "/proc/self/fd/%d%s", *pfolder, name);
    if (len >= (int)sizeof(address->sun_path)) {
        close(*pfolder);
        return APR_ENAMETOOLONG;
    }
    return APR_SUCCESS;
}

static apr_status_t open_socket(int *pfd)
{
    *pfd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *pfd < 0 ? errno : APR_SUCCESS;
}

typedef int act_t(int fd, const struct sockaddr *address, socklen_t len);

/* A new socket, and bind or connect on it. */
static apr_status_t open_at(int *pfd, const char *path, act_t *act)
{
    struct sockaddr_un address;
    apr_status_t status;
    int folder;

    status = make_address(&address, &folder, path);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = open_socket(pfd);
    if (status == APR_SUCCESS
        && act(*pfd, (const struct sockaddr *)(const void *)&address,
               sizeof(address))
               < 0) {
        status = errno;
        close(*pfd);
    }
    if (folder >= 0) {
        close(folder);
    }
    return status;
}

apr_status_t llm_socket_listen(int *pfd, const char *path)
{
    apr_status_t status;
    mode_t mask;

    if (unlink(path) < 0 && errno != ENOENT) {
        return errno;
    }
    mask = umask(0177);
    status = open_at(pfd, path, bind);
    umask(mask);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (listen(*pfd, BACKLOG) < 0 || fcntl(*pfd, F_SETFL, O_NONBLOCK) < 0) {
        status = errno;
        close(*pfd);
        unlink(path);
    }
    return status;
}

apr_status_t llm_socket_connect(int *pfd, const char *path)
{
    return open_at(pfd, path, connect);
}

apr_status_t llm_socket_accept(int *pfd, apr_uint32_t *puid, int listener)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    apr_status_t status;

    *pfd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*pfd < 0) {
        return errno;
    }
    if (getsockopt(*pfd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        status = errno;
        close(*pfd);
        return status;
    }
    *puid = peer.uid;
    return APR_SUCCESS;
}
