/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the store is, and the places the gateway or the meter is in force.
 */
#include "httpd/conf.h"

#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

#define STORE_PREFIX "bdb:"

/* ---- LLMStore ---------------------------------------------------------- */

const char *llmgw_conf_store(cmd_parms *cmd, void *dir, const char *where)
{
    llmgw_server_t *server = llmgw_server_of(cmd->server);
    const char *what = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *path;

    (void)dir;
    if (what) {
        return what;
    }
    if (server->store_dir) {
        return "LLMStore: there is one store for the whole server, and it is "
               "configured already";
    }
    if (strncmp(where, STORE_PREFIX, strlen(STORE_PREFIX))
        || !where[strlen(STORE_PREFIX)]) {
        return apr_psprintf(cmd->pool,
                            "LLMStore: expected bdb: and the path of a "
                            "folder, as in bdb:/var/lib/llm-gateway, not "
                            "'%s'",
                            where);
    }
    path = ap_server_root_relative(cmd->pool, where + strlen(STORE_PREFIX));
    if (!path) {
        return apr_psprintf(cmd->pool, "LLMStore: not a path: '%s'",
                            where + strlen(STORE_PREFIX));
    }
    server->store_dir = path;
    return NULL;
}

/* ---- LLMGateway, LLMMeter ---------------------------------------------- */

static const char *without_last_slash(const char *path, apr_pool_t *p)
{
    apr_size_t len = strlen(path);

    while (len && path[len - 1] == '/') {
        --len;
    }
    return apr_pstrmemdup(p, path, len);
}

/* Where the paths of this place begin. */
static const char *find_prefix(cmd_parms *cmd, const char **pprefix)
{
    const ap_directive_t *parent = cmd->directive->parent;

    *pprefix = "";
    if (!parent || !strcasecmp(parent->directive, "<VirtualHost")) {
        return NULL;
    }
    if (strcasecmp(parent->directive, "<Location") || !cmd->path
        || *cmd->path != '/' || apr_fnmatch_test(cmd->path)
        || ap_strchr_c(parent->args, '~') == parent->args) {
        return "LLMGateway: expected to be in the server's configuration, in "
               "a <VirtualHost> or in a <Location> without wildcards: the "
               "gateway's paths are those below it";
    }
    *pprefix = without_last_slash(cmd->path, cmd->pool);
    return NULL;
}

static void note_use(cmd_parms *cmd, int on)
{
    llmgw_server_t *server = llmgw_server_of(ap_server_conf);

    if (on && !server->first_use) {
        server->first_use = cmd->directive;
    }
}

const char *llmgw_conf_gateway(cmd_parms *cmd, void *dir, int on)
{
    llmgw_dir_t *conf = dir;
    const char *what = on ? find_prefix(cmd, &conf->prefix) : NULL;

    conf->gateway.value = on != 0;
    conf->gateway.set = 1;
    note_use(cmd, on);
    if (!what && conf->gateway.value && conf->meter.value) {
        what = "LLMGateway On and LLMMeter On exclude each other";
    }
    return what;
}

const char *llmgw_conf_meter(cmd_parms *cmd, void *dir, int on)
{
    llmgw_dir_t *conf = dir;

    conf->meter.value = on != 0;
    conf->meter.set = 1;
    note_use(cmd, on);
    return conf->gateway.value && conf->meter.value
               ? "LLMGateway On and LLMMeter On exclude each other"
               : NULL;
}

/* ---- providers by name ------------------------------------------------- */

void llmgw_conf_mention(cmd_parms *cmd, const char *provider,
                        llm_target_t *target)
{
    /* a virtual host's own server structure is dropped later */
    llmgw_server_t *server = llmgw_server_of(ap_server_conf);
    llmgw_mention_t *mention = apr_array_push(server->mentions);

    mention->directive = cmd->cmd->name;
    mention->provider = provider;
    mention->target = target;
    mention->file = cmd->directive->filename;
    mention->line = cmd->directive->line_num;
}

const char *llmgw_conf_provider_for(cmd_parms *cmd, void *dir, const char *name)
{
    llmgw_dir_t *conf = dir;

    conf->provider_for.value = name;
    conf->provider_for.set = 1;
    llmgw_conf_mention(cmd, name, NULL);
    return NULL;
}
