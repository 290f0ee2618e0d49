/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directives that are not plain settings, for conf.c's table of commands.
 * Each returns NULL or what is wrong; httpd adds the file and the line.
 */
#ifndef LLMGW_CONF_H
#define LLMGW_CONF_H

#include "httpd/llmgw.h"

/* conf_sections.c */
const char *llmgw_conf_provider(cmd_parms *cmd, void *dir, const char *args);
const char *llmgw_conf_dialect(cmd_parms *cmd, void *dir, const char *name);
const char *llmgw_conf_base_url(cmd_parms *cmd, void *dir, const char *url);
const char *llmgw_conf_key(cmd_parms *cmd, void *dir, const char *source);
const char *llmgw_conf_header(cmd_parms *cmd, void *dir, const char *name,
                              const char *value);
const char *llmgw_conf_include_usage(cmd_parms *cmd, void *dir, int on);
const char *llmgw_conf_native(cmd_parms *cmd, void *dir, const char *what);
const char *llmgw_conf_profile(cmd_parms *cmd, void *dir, const char *name);
const char *llmgw_conf_responses(cmd_parms *cmd, void *dir, int on);
const char *llmgw_conf_model(cmd_parms *cmd, void *dir, const char *args);
const char *llmgw_conf_target(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[]);

/* conf_clouds.c */
const char *llmgw_conf_api_version(cmd_parms *cmd, void *dir,
                                   const char *version);
const char *llmgw_conf_project(cmd_parms *cmd, void *dir, const char *id);

/* tokens.c */
const char *llmgw_conf_token(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[]);

/* conf_places.c */
const char *llmgw_conf_store(cmd_parms *cmd, void *dir, const char *where);
const char *llmgw_conf_gateway(cmd_parms *cmd, void *dir, int on);
const char *llmgw_conf_meter(cmd_parms *cmd, void *dir, int on);
const char *llmgw_conf_provider_for(cmd_parms *cmd, void *dir,
                                    const char *name);

/* conf_places.c: notes that the directive being read names a provider. */
void llmgw_conf_mention(cmd_parms *cmd, const char *provider,
                        llm_target_t *target);
/* conf_check.c: a directive anywhere in the tree, or NULL. arg NULL: whatever
 * it says. */
const ap_directive_t *llmgw_conf_find(const ap_directive_t *tree,
                                      const char *name, const char *arg);

#endif /* LLMGW_CONF_H */
