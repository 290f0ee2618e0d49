/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_proxy's functions, bound at start.
 *
 * Debian loads modules in alphabetical order, llm_gateway before proxy, and
 * the dynamic linker would refuse a module with unresolved symbols. So they
 * are looked up in mod_proxy's own handle at post_config; when mod_proxy is
 * missing the server says so and does not start. All of them are public and
 * unchanged since httpd 2.4.52.
 */
#ifndef PROXY_API_H
#define PROXY_API_H

#include <mod_proxy.h>

#define LLMGW_PROXY_API(X)                                                     \
    X(ap_proxy_define_worker)                                                  \
    X(ap_proxy_get_worker)                                                     \
    X(ap_proxy_acquire_connection)                                             \
    X(ap_proxy_release_connection)                                             \
    X(ap_proxy_determine_connection)                                           \
    X(ap_proxy_check_connection)                                               \
    X(ap_proxy_connect_backend)                                                \
    X(ap_proxy_connection_create_ex)                                           \
    X(ap_proxy_ssl_connection_cleanup)                                         \
    X(ap_proxy_pass_brigade)

typedef struct llmgw_proxy_api_t {
#define LLMGW_PROXY_MEMBER(name) __typeof__(&name) name;
    LLMGW_PROXY_API(LLMGW_PROXY_MEMBER)
#undef LLMGW_PROXY_MEMBER
    module *module; /* &proxy_module */
} llmgw_proxy_api_t;

/* Valid after post_config. */
extern llmgw_proxy_api_t llmgw_proxy;

#endif /* PROXY_API_H */
