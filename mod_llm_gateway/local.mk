# SPDX-License-Identifier: Apache-2.0
#
# A convenience library for each folder, libllmgw.la of all of them, and the
# module. One file a line, in alphabetical order, headers and tables too: what
# is not listed is not in the release.

noinst_LTLIBRARIES += \
	%D%/libllm_core.la \
	%D%/libllm_dialect.la \
	%D%/libllm_net.la \
	%D%/libllm_store.la \
	%D%/libllm_route.la \
	%D%/libllm_flow.la \
	%D%/libllmgw.la

%C%_libllm_core_la_LIBADD = $(ZLIB_LIBS)
%C%_libllm_core_la_SOURCES = \
	%D%/core/llm.h \
	%D%/core/llm_abort.c \
	%D%/core/llm_abort.h \
	%D%/core/llm_bpe.c \
	%D%/core/llm_bpe.h \
	%D%/core/llm_bpe_internal.h \
	%D%/core/llm_bpe_long.c \
	%D%/core/llm_bpe_split.c \
	%D%/core/llm_bpe_split.h \
	%D%/core/llm_budget.c \
	%D%/core/llm_budget.h \
	%D%/core/llm_buf.c \
	%D%/core/llm_buf.h \
	%D%/core/llm_encodings.def \
	%D%/core/llm_eventstream.c \
	%D%/core/llm_eventstream.h \
	%D%/core/llm_families.c \
	%D%/core/llm_find.h \
	%D%/core/llm_form.c \
	%D%/core/llm_form.h \
	%D%/core/llm_inflate.c \
	%D%/core/llm_inflate.h \
	%D%/core/llm_json.c \
	%D%/core/llm_json.h \
	%D%/core/llm_json_lex.c \
	%D%/core/llm_json_lex.h \
	%D%/core/llm_json_read.c \
	%D%/core/llm_json_scan.c \
	%D%/core/llm_key.c \
	%D%/core/llm_key.h \
	%D%/core/llm_log.c \
	%D%/core/llm_log.h \
	%D%/core/llm_money.c \
	%D%/core/llm_money.h \
	%D%/core/llm_ndjson.c \
	%D%/core/llm_ndjson.h \
	%D%/core/llm_pattern.c \
	%D%/core/llm_pattern.h \
	%D%/core/llm_price.c \
	%D%/core/llm_price.h \
	%D%/core/llm_price_internal.h \
	%D%/core/llm_price_import.c \
	%D%/core/llm_price_import.h \
	%D%/core/llm_price_read.c \
	%D%/core/llm_problem.c \
	%D%/core/llm_problem.h \
	%D%/core/llm_record.c \
	%D%/core/llm_record.h \
	%D%/core/llm_redact.c \
	%D%/core/llm_redact.h \
	%D%/core/llm_seal.c \
	%D%/core/llm_seal.h \
	%D%/core/llm_sse.c \
	%D%/core/llm_sse.h \
	%D%/core/llm_text.c \
	%D%/core/llm_time.c \
	%D%/core/llm_time.h \
	%D%/core/llm_tokens.c \
	%D%/core/llm_tokens.h \
	%D%/core/llm_tokens_media.c \
	%D%/core/llm_tokens_request.c \
	%D%/core/llm_tokens_tools.c \
	%D%/core/llm_tokens_internal.h \
	%D%/core/llm_unicode.c \
	%D%/core/llm_unicode.def \
	%D%/core/llm_unicode.h \
	%D%/core/llm_usage.c \
	%D%/core/llm_usage.h \
	%D%/core/llm_utf8.h \
	%D%/core/llm_zone.c \
	%D%/core/llm_zone.h

%C%_libllm_dialect_la_SOURCES = \
	%D%/dialect/anthropic.c \
	%D%/dialect/anthropic_answer.c \
	%D%/dialect/anthropic_blocks.c \
	%D%/dialect/anthropic_client.c \
	%D%/dialect/anthropic_internal.h \
	%D%/dialect/anthropic_problem.c \
	%D%/dialect/anthropic_provider.c \
	%D%/dialect/anthropic_response.c \
	%D%/dialect/anthropic_stream.c \
	%D%/dialect/anthropic_thinking.c \
	%D%/dialect/anthropic_turns.c \
	%D%/dialect/anthropic_vertex.c \
	%D%/dialect/anthropic_writer.c \
	%D%/dialect/azure.c \
	%D%/dialect/bedrock.c \
	%D%/dialect/bedrock_answer.c \
	%D%/dialect/bedrock_blocks.c \
	%D%/dialect/bedrock_client.c \
	%D%/dialect/bedrock_internal.h \
	%D%/dialect/bedrock_invoke.c \
	%D%/dialect/bedrock_path.c \
	%D%/dialect/bedrock_request.c \
	%D%/dialect/bedrock_response.c \
	%D%/dialect/bedrock_turns.c \
	%D%/dialect/bedrock_writer.c \
	%D%/dialect/call_order.c \
	%D%/dialect/call_order.h \
	%D%/dialect/cohere.c \
	%D%/dialect/cohere_answer.c \
	%D%/dialect/cohere_client.c \
	%D%/dialect/cohere_internal.h \
	%D%/dialect/cohere_messages.c \
	%D%/dialect/cohere_path.c \
	%D%/dialect/cohere_request.c \
	%D%/dialect/cohere_response.c \
	%D%/dialect/cohere_turns.c \
	%D%/dialect/cohere_writer.c \
	%D%/dialect/common.c \
	%D%/dialect/common.h \
	%D%/dialect/common_terms.c \
	%D%/dialect/dialect.h \
	%D%/dialect/dialects.def \
	%D%/dialect/gemini.c \
	%D%/dialect/gemini_answer.c \
	%D%/dialect/gemini_args.c \
	%D%/dialect/gemini_client.c \
	%D%/dialect/gemini_contents.c \
	%D%/dialect/gemini_id.c \
	%D%/dialect/gemini_internal.h \
	%D%/dialect/gemini_media.c \
	%D%/dialect/gemini_openapi.c \
	%D%/dialect/gemini_parts.c \
	%D%/dialect/gemini_path.c \
	%D%/dialect/gemini_request.c \
	%D%/dialect/gemini_response.c \
	%D%/dialect/gemini_schema.c \
	%D%/dialect/gemini_stream.c \
	%D%/dialect/gemini_usage.c \
	%D%/dialect/gemini_writer.c \
	%D%/dialect/huggingface.c \
	%D%/dialect/huggingface_generate.c \
	%D%/dialect/huggingface_inference.c \
	%D%/dialect/huggingface_internal.h \
	%D%/dialect/kept_calls.c \
	%D%/dialect/kept_calls.h \
	%D%/dialect/limits.c \
	%D%/dialect/limits.h \
	%D%/dialect/mistral.c \
	%D%/dialect/ollama.c \
	%D%/dialect/ollama_answer.c \
	%D%/dialect/ollama_client.c \
	%D%/dialect/ollama_internal.h \
	%D%/dialect/ollama_messages.c \
	%D%/dialect/ollama_path.c \
	%D%/dialect/ollama_request.c \
	%D%/dialect/ollama_writer.c \
	%D%/dialect/openai.c \
	%D%/dialect/openai_amend.c \
	%D%/dialect/openai_answer.c \
	%D%/dialect/openai_client.c \
	%D%/dialect/openai_completions.c \
	%D%/dialect/openai_fit.c \
	%D%/dialect/openai_internal.h \
	%D%/dialect/openai_messages.c \
	%D%/dialect/openai_pass.c \
	%D%/dialect/openai_path.c \
	%D%/dialect/openai_problem.c \
	%D%/dialect/openai_provider.c \
	%D%/dialect/openai_response.c \
	%D%/dialect/openai_responses.c \
	%D%/dialect/openai_responses_answer.c \
	%D%/dialect/openai_responses_client.c \
	%D%/dialect/openai_responses_input.c \
	%D%/dialect/openai_responses_internal.h \
	%D%/dialect/openai_responses_provider.c \
	%D%/dialect/openai_responses_response.c \
	%D%/dialect/openai_responses_stream.c \
	%D%/dialect/openai_responses_turns.c \
	%D%/dialect/openai_responses_writer.c \
	%D%/dialect/openai_stream.c \
	%D%/dialect/openai_turns.c \
	%D%/dialect/openai_writer.c \
	%D%/dialect/profile.c \
	%D%/dialect/profile.h \
	%D%/dialect/profiles.def \
	%D%/dialect/registry.c \
	%D%/dialect/schema.c \
	%D%/dialect/schema.h \
	%D%/dialect/sign_aws.c \
	%D%/dialect/sign_aws.h \
	%D%/dialect/splice.c \
	%D%/dialect/splice.h \
	%D%/dialect/watsonx.c

%C%_libllm_net_la_SOURCES = \
	%D%/net/curl.c \
	%D%/net/jwt.c \
	%D%/net/jwt.h \
	%D%/net/keeper.c \
	%D%/net/keeper.h \
	%D%/net/kinds.def \
	%D%/net/net.h \
	%D%/net/token.c \
	%D%/net/token.h \
	%D%/net/token_entra.c \
	%D%/net/token_google.c \
	%D%/net/token_ibm.c \
	%D%/net/token_oauth.c \
	%D%/net/token_slot.c \
	%D%/net/token_slot.h

%C%_libllm_net_la_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)

%C%_libllm_store_la_SOURCES = \
	%D%/store/apart.c \
	%D%/store/apart.h \
	%D%/store/bdb.c \
	%D%/store/bdb.h \
	%D%/store/bdb_care.c \
	%D%/store/bdb_care.h \
	%D%/store/bdb_inside.h \
	%D%/store/bytes.c \
	%D%/store/bytes.h \
	%D%/store/check_quotas.c \
	%D%/store/check_quotas.h \
	%D%/store/check_rollups.c \
	%D%/store/check_rollups.h \
	%D%/store/client.c \
	%D%/store/codec.c \
	%D%/store/codec.h \
	%D%/store/codec_rows.c \
	%D%/store/command.c \
	%D%/store/command.h \
	%D%/store/command_audit.c \
	%D%/store/command_check.c \
	%D%/store/command_events.c \
	%D%/store/command_follow.c \
	%D%/store/command_key.c \
	%D%/store/command_key.h \
	%D%/store/command_key_edit.c \
	%D%/store/command_object.c \
	%D%/store/command_price.c \
	%D%/store/command_rerate.c \
	%D%/store/command_secret.c \
	%D%/store/command_spend.c \
	%D%/store/command_status.c \
	%D%/store/command_store.c \
	%D%/store/command_team.c \
	%D%/store/command_usage.c \
	%D%/store/commands.def \
	%D%/store/copy.c \
	%D%/store/copy.h \
	%D%/store/crc32c.c \
	%D%/store/crc32c.h \
	%D%/store/dict.c \
	%D%/store/dict.h \
	%D%/store/done.c \
	%D%/store/done.h \
	%D%/store/drain.c \
	%D%/store/drain.h \
	%D%/store/event_row.c \
	%D%/store/event_row.h \
	%D%/store/dump.c \
	%D%/store/dump.h \
	%D%/store/events.c \
	%D%/store/events.h \
	%D%/store/files.c \
	%D%/store/files.h \
	%D%/store/fields.c \
	%D%/store/fields.h \
	%D%/store/folder.c \
	%D%/store/folder.h \
	%D%/store/groups.c \
	%D%/store/groups.h \
	%D%/store/inflight.c \
	%D%/store/inflight.h \
	%D%/store/inside.h \
	%D%/store/journal.c \
	%D%/store/journal.h \
	%D%/store/keep.c \
	%D%/store/keep.h \
	%D%/store/keyring.c \
	%D%/store/keyring.h \
	%D%/store/ledger.c \
	%D%/store/ledger.h \
	%D%/store/master.c \
	%D%/store/master.h \
	%D%/store/meta.c \
	%D%/store/meta.h \
	%D%/store/object.h \
	%D%/store/owner.c \
	%D%/store/prices.c \
	%D%/store/prices.h \
	%D%/store/parts.c \
	%D%/store/parts.h \
	%D%/store/quota.c \
	%D%/store/quota.h \
	%D%/store/recent.c \
	%D%/store/recent.h \
	%D%/store/replace.c \
	%D%/store/replace.h \
	%D%/store/report.c \
	%D%/store/report.h \
	%D%/store/rollup.c \
	%D%/store/rollup.h \
	%D%/store/rollups.def \
	%D%/store/serve.c \
	%D%/store/serve.h \
	%D%/store/snapshot.c \
	%D%/store/snapshot.h \
	%D%/store/socket.c \
	%D%/store/socket.h \
	%D%/store/store.c \
	%D%/store/store.h \
	%D%/store/sums.c \
	%D%/store/sums.h \
	%D%/store/survey.c \
	%D%/store/survey.h \
	%D%/store/survey_inside.h \
	%D%/store/survey_records.c \
	%D%/store/survey_rollups.c \
	%D%/store/tables.def \
	%D%/store/task.c \
	%D%/store/task.h \
	%D%/store/upgrade.c \
	%D%/store/upgrade.h \
	%D%/store/usage_rows.c \
	%D%/store/usage_rows.h

%C%_libllm_route_la_SOURCES = \
	%D%/route/plan.c \
	%D%/route/route.h

%C%_libllm_flow_la_SOURCES = \
	%D%/flow/answer.c \
	%D%/flow/answer.h \
	%D%/flow/attempts.c \
	%D%/flow/count.c \
	%D%/flow/count.h \
	%D%/flow/events.c \
	%D%/flow/flow.c \
	%D%/flow/flow.h \
	%D%/flow/form.c \
	%D%/flow/form.h \
	%D%/flow/head.c \
	%D%/flow/head.h \
	%D%/flow/http1.c \
	%D%/flow/http1.h \
	%D%/flow/kept.c \
	%D%/flow/kept.h \
	%D%/flow/media.c \
	%D%/flow/media.h \
	%D%/flow/meter.c \
	%D%/flow/cost.c \
	%D%/flow/settle.c \
	%D%/flow/stream.c \
	%D%/flow/stream.h \
	%D%/flow/stream_internal.h \
	%D%/flow/tags.c \
	%D%/flow/tags.h \
	%D%/flow/whole.c

%C%_libllm_store_la_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CPPFLAGS)

%C%_libllmgw_la_SOURCES =
%C%_libllmgw_la_LIBADD = \
	%D%/libllm_flow.la \
	%D%/libllm_route.la \
	%D%/libllm_store.la \
	%D%/libllm_net.la \
	%D%/libllm_dialect.la \
	%D%/libllm_core.la \
	$(CURL_LIBS) \
	$(DB_LIBS) \
	$(OPENSSL_LIBS) \
	$(APU_LIBS) \
	$(APR_LIBS)

module_LTLIBRARIES += %D%/mod_llm_gateway.la

%C%_mod_llm_gateway_la_SOURCES = \
	%D%/httpd/account.c \
	%D%/httpd/auth.c \
	%D%/httpd/conf.c \
	%D%/httpd/conf.h \
	%D%/httpd/conf_check.c \
	%D%/httpd/conf_clouds.c \
	%D%/httpd/conf_dump.c \
	%D%/httpd/conf_places.c \
	%D%/httpd/conf_sections.c \
	%D%/httpd/deliver.c \
	%D%/httpd/drive_sync.c \
	%D%/httpd/endpoint.c \
	%D%/httpd/handler.c \
	%D%/httpd/keeper_process.c \
	%D%/httpd/ledger.c \
	%D%/httpd/kept.c \
	%D%/httpd/kept.h \
	%D%/httpd/kept_answer.c \
	%D%/httpd/kept_body.c \
	%D%/httpd/llmgw.h \
	%D%/httpd/log.c \
	%D%/httpd/meter_filter.c \
	%D%/httpd/mod_llm_gateway.c \
	%D%/httpd/objects.c \
	%D%/httpd/owner_process.c \
	%D%/httpd/prices.c \
	%D%/httpd/proxy_api.c \
	%D%/httpd/proxy_api.h \
	%D%/httpd/reply.c \
	%D%/httpd/secret.c \
	%D%/httpd/secret_store.c \
	%D%/httpd/settings.def \
	%D%/httpd/shared.c \
	%D%/httpd/status.c \
	%D%/httpd/subprocess.c \
	%D%/httpd/tokens.c \
	%D%/httpd/upstream.c \
	%D%/httpd/upstream.h \
	%D%/httpd/vars.c

%C%_mod_llm_gateway_la_CPPFLAGS = $(AM_CPPFLAGS) $(HTTPD_CPPFLAGS)
%C%_mod_llm_gateway_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^llm_gateway_module$$'
%C%_mod_llm_gateway_la_LIBADD = %D%/libllmgw.la
