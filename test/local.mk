# SPDX-License-Identifier: Apache-2.0
#
# What `make check` runs: the unit tests, one program for each folder of the
# sources, which print TAP. One file a line, in alphabetical order.

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/packaging/build-aux/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir;

unit_programs = \
	%D%/unit/test_core \
	%D%/unit/test_dialect \
	%D%/unit/test_net \
	%D%/unit/test_store \
	%D%/unit/test_route \
	%D%/unit/test_flow \
	%D%/unit/test_ctl

fuzz_programs = \
	%D%/fuzz/replay_amend \
	%D%/fuzz/replay_bpe \
	%D%/fuzz/replay_command \
	%D%/fuzz/replay_dialect \
	%D%/fuzz/replay_dump \
	%D%/fuzz/replay_eventstream \
	%D%/fuzz/replay_form \
	%D%/fuzz/replay_export \
	%D%/fuzz/replay_inflate \
	%D%/fuzz/replay_journal \
	%D%/fuzz/replay_json \
	%D%/fuzz/replay_ndjson \
	%D%/fuzz/replay_price \
	%D%/fuzz/replay_price_import \
	%D%/fuzz/replay_record \
	%D%/fuzz/replay_schema \
	%D%/fuzz/replay_seal \
	%D%/fuzz/replay_serve \
	%D%/fuzz/replay_sign \
	%D%/fuzz/replay_sse \
	%D%/fuzz/replay_text \
	%D%/fuzz/replay_token \
	%D%/fuzz/replay_words

lint_checks = \
	%D%/lint/banned.sh \
	%D%/lint/directives.sh \
	%D%/lint/docs.sh \
	%D%/lint/layers.sh \
	%D%/lint/length.sh \
	%D%/lint/licence.sh \
	%D%/lint/lognos.sh \
	%D%/lint/registration.sh \
	%D%/lint/selftest.sh \
	%D%/lint/sources.sh

TESTS += $(lint_checks)

fuzz_checks = \
	%D%/fuzz/vectors.sh

check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs) $(fuzz_checks)

# Some thirty kills; packaging/ci/run.sh kill makes a thousand.
store_programs = \
	%D%/store/storekill

check_PROGRAMS += $(store_programs)
TESTS += $(store_programs)

# Makes what test/unit/store/test_upgrade.c finds; see there.
check_PROGRAMS += %D%/store/former
%C%_store_former_SOURCES = \
	%D%/store/former.c \
	%D%/store/former.h
%C%_store_former_LDADD = mod_llm_gateway/libllm_store.la \
	mod_llm_gateway/libllm_core.la $(DB_LIBS) $(OPENSSL_LIBS) \
	$(APU_LIBS) $(APR_LIBS) -lpthread
EXTRA_DIST += %D%/store/format-1.tar.gz

%C%_store_storekill_SOURCES = \
	%D%/store/account.c \
	%D%/store/killer.h \
	%D%/store/storekill.c
%C%_store_storekill_LDADD = mod_llm_gateway/libllm_store.la \
	mod_llm_gateway/libllm_core.la $(DB_LIBS) $(OPENSSL_LIBS) \
	$(APU_LIBS) $(APR_LIBS) -lpthread

# A part of the tests, and their names for run.sh.
check-unit: $(check_LTLIBRARIES) $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(unit_programs) $(fuzz_programs) \
	$(fuzz_checks) $(property_programs) $(store_programs)"
check-lint: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(lint_checks)'
print-unit-programs:
	@echo $(unit_programs) $(fuzz_programs) $(property_programs) \
		$(store_programs)
print-lint-checks:
	@echo $(lint_checks)
.PHONY: check-unit check-lint print-unit-programs print-lint-checks

EXTRA_DIST += $(lint_checks) \
	%D%/vectors \
	%D%/README.md \
	%D%/run.sh \
	%D%/lint/length.except \
	%D%/lint/lint.sh

# pytest's: a real httpd, the scripted provider, the official SDKs; agents.
EXTRA_DIST += \
	%D%/agents \
	%D%/httpd \
	%D%/provider \
	%D%/pytest.ini \
	%D%/sdk

unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	-DLLMGW_TEST_SRCDIR='"$(abs_top_srcdir)/test"'
# A suite is declared where suites.def is read.
unit_cflags = $(AM_CFLAGS) -Wno-missing-prototypes
unit_ldadd = %D%/unit/libunit.la $(CHECK_LIBS) $(CJSON_LIBS) $(ZLIB_LIBS) \
	$(OPENSSL_LIBS) $(APU_LIBS) $(APR_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(unit_programs)
TESTS += $(unit_programs)
check_LTLIBRARIES = %D%/unit/libunit.la
endif

# What must hold for any conversation and any answer, shown on some hundred of
# them; packaging/ci/run.sh property makes a million.
property_programs = \
	%D%/property/property

if HAVE_CHECK
check_PROGRAMS += $(property_programs)
TESTS += $(property_programs)
endif

%C%_property_property_CPPFLAGS = $(unit_cppflags)
%C%_property_property_LDADD = mod_llm_gateway/libllm_dialect.la \
	mod_llm_gateway/libllm_core.la $(unit_ldadd)
%C%_property_property_SOURCES = \
	%D%/property/allowed.def \
	%D%/property/answers.c \
	%D%/property/ask.c \
	%D%/property/conversation.c \
	%D%/property/deltas.c \
	%D%/property/generate.c \
	%D%/property/passing.c \
	%D%/property/property.c \
	%D%/property/property.h \
	%D%/property/requests.c \
	%D%/property/stream_of.c \
	%D%/property/streams.c \
	%D%/unit/dialect/counts.h \
	%D%/unit/dialect/exchange.c \
	%D%/unit/dialect/exchange.h \
	%D%/unit/dialect/exchange_for.c \
	%D%/unit/dialect/exchange_request.c \
	%D%/unit/dialect/legal.c \
	%D%/unit/dialect/legal_bedrock.c \
	%D%/unit/dialect/legal_cohere.c \
	%D%/unit/dialect/legal_gemini.c \
	%D%/unit/dialect/legal.h \
	%D%/unit/dialect/legal_responses.c

%C%_unit_libunit_la_CPPFLAGS = $(unit_cppflags)
%C%_unit_libunit_la_SOURCES = \
	%D%/unit/messages.c \
	%D%/unit/messages.h \
	%D%/unit/unit.c \
	%D%/unit/unit.h

%C%_unit_test_core_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_core_CFLAGS = $(unit_cflags)
%C%_unit_test_core_LDADD = mod_llm_gateway/libllm_core.la $(unit_ldadd)
%C%_unit_test_core_SOURCES = \
	%D%/unit/core/find_cases.h \
	%D%/unit/core/main.c \
	%D%/unit/core/random.h \
	%D%/unit/core/suites.def \
	%D%/unit/core/test_abort.c \
	%D%/unit/core/test_bpe.c \
	%D%/unit/core/test_budget.c \
	%D%/unit/core/test_buf.c \
	%D%/unit/core/test_eventstream.c \
	%D%/unit/core/test_find.c \
	%D%/unit/core/test_find_portable.c \
	%D%/unit/core/test_form.c \
	%D%/unit/core/test_inflate.c \
	%D%/unit/core/test_json.c \
	%D%/unit/core/test_json_oracle.c \
	%D%/unit/core/test_json_scan.c \
	%D%/unit/core/test_key.c \
	%D%/unit/core/test_log.c \
	%D%/unit/core/test_money.c \
	%D%/unit/core/test_ndjson.c \
	%D%/unit/core/test_pattern.c \
	%D%/unit/core/test_price.c \
	%D%/unit/core/test_price_import.c \
	%D%/unit/core/test_problem.c \
	%D%/unit/core/test_redact.c \
	%D%/unit/core/test_seal.c \
	%D%/unit/core/test_sse.c \
	%D%/unit/core/test_text.c \
	%D%/unit/core/test_time.c \
	%D%/unit/core/test_tokens.c \
	%D%/unit/core/test_usage.c \
	%D%/unit/core/test_zone.c

%C%_unit_test_dialect_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_dialect_CFLAGS = $(unit_cflags)
%C%_unit_test_dialect_LDADD = mod_llm_gateway/libllm_dialect.la \
	mod_llm_gateway/libllm_core.la $(unit_ldadd)
%C%_unit_test_dialect_SOURCES = \
	%D%/unit/dialect/exchange.c \
	%D%/unit/dialect/exchange.h \
	%D%/unit/dialect/exchange_for.c \
	%D%/unit/dialect/exchange_request.c \
	%D%/unit/dialect/facts.c \
	%D%/unit/dialect/facts.h \
	%D%/unit/dialect/gemini_chunks.h \
	%D%/unit/dialect/legal.c \
	%D%/unit/dialect/legal_bedrock.c \
	%D%/unit/dialect/legal_cohere.c \
	%D%/unit/dialect/legal_gemini.c \
	%D%/unit/dialect/legal.h \
	%D%/unit/dialect/legal_responses.c \
	%D%/unit/dialect/main.c \
	%D%/unit/dialect/members.def \
	%D%/unit/dialect/suites.def \
	%D%/unit/dialect/test_amend.c \
	%D%/unit/dialect/test_anthropic.c \
	%D%/unit/dialect/test_azure.c \
	%D%/unit/dialect/test_bedrock_client.c \
	%D%/unit/dialect/test_citations.c \
	%D%/unit/dialect/test_cohere_client.c \
	%D%/unit/dialect/test_counts.c \
	%D%/unit/dialect/test_cross.c \
	%D%/unit/dialect/test_custom.c \
	%D%/unit/dialect/test_documents.c \
	%D%/unit/dialect/test_facts_anthropic.c \
	%D%/unit/dialect/test_facts_bedrock.c \
	%D%/unit/dialect/test_facts_mistral.c \
	%D%/unit/dialect/test_facts_openai.c \
	%D%/unit/dialect/test_facts_others.c \
	%D%/unit/dialect/test_gemini.c \
	%D%/unit/dialect/test_gemini_answers.c \
	%D%/unit/dialect/test_gemini_calls.c \
	%D%/unit/dialect/test_gemini_client.c \
	%D%/unit/dialect/test_gemini_schema.c \
	%D%/unit/dialect/test_huggingface.c \
	%D%/unit/dialect/test_huggingface_inference.c \
	%D%/unit/dialect/test_members.c \
	%D%/unit/dialect/test_ollama_client.c \
	%D%/unit/dialect/test_openai.c \
	%D%/unit/dialect/test_profiles.c \
	%D%/unit/dialect/test_recorded.c \
	%D%/unit/dialect/test_registry.c \
	%D%/unit/dialect/test_responses.c \
	%D%/unit/dialect/test_responses_client.c \
	%D%/unit/dialect/test_responses_custom.c \
	%D%/unit/dialect/test_responses_space.c \
	%D%/unit/dialect/test_schema.c \
	%D%/unit/dialect/test_sign_aws.c \
	%D%/unit/dialect/test_tiers.c \
	%D%/unit/dialect/test_vectors.c \
	%D%/unit/dialect/test_vertex.c \
	%D%/unit/dialect/truth.c \
	%D%/unit/dialect/truth.h \
	%D%/unit/dialect/truth_bedrock.c \
	%D%/unit/dialect/truth_google.c \
	%D%/unit/dialect/truth_responses.c \
	%D%/unit/dialect/wire.c \
	%D%/unit/dialect/wire.h

%C%_unit_test_store_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_store_CFLAGS = $(unit_cflags)
%C%_unit_test_store_LDADD = mod_llm_gateway/libllm_store.la \
	mod_llm_gateway/libllm_core.la $(DB_LIBS) $(unit_ldadd)
%C%_unit_test_store_SOURCES = \
	%D%/unit/store/main.c \
	%D%/unit/store/rig.c \
	%D%/unit/store/rig.h \
	%D%/unit/store/suites.def \
	%D%/unit/store/test_budget.c \
	%D%/unit/store/test_codec.c \
	%D%/unit/store/test_command.c \
	%D%/unit/store/test_copy.c \
	%D%/unit/store/test_inflight.c \
	%D%/unit/store/test_journal.c \
	%D%/unit/store/test_keys.c \
	%D%/unit/store/test_ledger.c \
	%D%/unit/store/test_object.c \
	%D%/unit/store/test_owner.c \
	%D%/unit/store/test_prices.c \
	%D%/unit/store/test_rerate.c \
	%D%/unit/store/test_snapshot.c \
	%D%/unit/store/test_store.c \
	%D%/unit/store/test_table.c \
	%D%/unit/store/test_upgrade.c \
	%D%/unit/store/test_usage.c

%C%_unit_test_net_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_net_CFLAGS = $(unit_cflags)
%C%_unit_test_net_LDADD = mod_llm_gateway/libllm_net.la \
	mod_llm_gateway/libllm_core.la $(CURL_LIBS) $(unit_ldadd)
%C%_unit_test_net_SOURCES = \
	%D%/unit/net/main.c \
	%D%/unit/net/suites.def \
	%D%/unit/net/test_jwt.c \
	%D%/unit/net/test_keeper.c \
	%D%/unit/net/test_token.c

%C%_unit_test_route_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_route_CFLAGS = $(unit_cflags)
%C%_unit_test_route_LDADD = mod_llm_gateway/libllm_route.la \
	mod_llm_gateway/libllm_core.la $(unit_ldadd)
%C%_unit_test_route_SOURCES = \
	%D%/unit/route/main.c \
	%D%/unit/route/suites.def \
	%D%/unit/route/test_plan.c

%C%_unit_test_flow_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_flow_CFLAGS = $(unit_cflags)
%C%_unit_test_flow_LDADD = mod_llm_gateway/libllmgw.la $(unit_ldadd)
%C%_unit_test_flow_SOURCES = \
	%D%/unit/flow/main.c \
	%D%/unit/flow/suites.def \
	%D%/unit/flow/test_cost.c \
	%D%/unit/flow/test_flow.c \
	%D%/unit/flow/test_http1.c \
	%D%/unit/flow/test_lines.c


%C%_unit_test_ctl_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_ctl_CFLAGS = $(unit_cflags)
%C%_unit_test_ctl_LDADD = llmgwctl/libctl.la $(unit_ldadd)
%C%_unit_test_ctl_SOURCES = \
	%D%/unit/ctl/fake.c \
	%D%/unit/ctl/fake.h \
	%D%/unit/ctl/main.c \
	%D%/unit/ctl/suites.def \
	%D%/unit/ctl/test_cost.c \
	%D%/unit/ctl/test_events.c \
	%D%/unit/ctl/test_follow.c \
	%D%/unit/ctl/test_key.c \
	%D%/unit/ctl/test_manual.c \
	%D%/unit/ctl/test_price.c \
	%D%/unit/ctl/test_reconcile.c \
	%D%/unit/ctl/test_rerate.c \
	%D%/unit/ctl/test_secret.c \
	%D%/unit/ctl/test_table.c \
	%D%/unit/ctl/test_usage.c \
	%D%/unit/ctl/test_words.c

# The encoder as a program: for measuring, and for tests with recordings.
check_PROGRAMS += %D%/tokens/encode

# The benchmark: built when it is asked for.
EXTRA_PROGRAMS = \
	%D%/bench/eventcost \
	%D%/bench/llmload \
	%D%/bench/mockllm \
	%D%/bench/storefill
EXTRA_DIST += \
	%D%/bench/README.md \
	%D%/bench/bench.py \
	%D%/bench/bench_events.py \
	%D%/bench/bench_store.py \
	%D%/tokens/accuracy.py \
	%D%/tokens/compare.mjs \
	%D%/tokens/texts.json

%C%_tokens_encode_SOURCES = %D%/tokens/encode.c
%C%_tokens_encode_LDADD = mod_llm_gateway/libllm_core.la \
	$(OPENSSL_LIBS) $(APU_LIBS) $(APR_LIBS)

%C%_bench_eventcost_SOURCES = %D%/bench/eventcost.c
%C%_bench_eventcost_LDADD = mod_llm_gateway/libllmgw.la \
	$(OPENSSL_LIBS) $(APU_LIBS) $(APR_LIBS)
%C%_bench_mockllm_SOURCES = %D%/bench/mockllm.c
%C%_bench_llmload_SOURCES = %D%/bench/llmload.c
%C%_bench_llmload_LDADD = $(OPENSSL_LIBS)
%C%_bench_storefill_SOURCES = %D%/bench/storefill.c
%C%_bench_storefill_LDADD = mod_llm_gateway/libllm_store.la \
	mod_llm_gateway/libllm_core.la $(DB_LIBS) $(OPENSSL_LIBS) \
	$(APU_LIBS) $(APR_LIBS) -lpthread

# BENCHFLAGS=--quick for a look, BENCHFLAGS='--only rps' for one part.
bench: all %D%/bench/llmload %D%/bench/mockllm
	python3 $(srcdir)/%D%/bench/bench.py --build . $(BENCHFLAGS)
.PHONY: bench

bench-events: all %D%/bench/eventcost
	python3 $(srcdir)/%D%/bench/bench_events.py --build . $(BENCHFLAGS)
.PHONY: bench-events

bench-store: all %D%/bench/storefill
	python3 $(srcdir)/%D%/bench/bench_store.py --build . $(BENCHFLAGS)
.PHONY: bench-store

# The fuzz targets, run over their corpora and a few mutants of them.
fuzz_corpus = $(abs_top_srcdir)/%D%/fuzz/corpus
fuzz_ldadd = mod_llm_gateway/libllm_core.la \
	$(OPENSSL_LIBS) $(APU_LIBS) $(APR_LIBS)

%C%_fuzz_replay_amend_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/amend"'
%C%_fuzz_replay_amend_LDADD = mod_llm_gateway/libllm_dialect.la \
	$(fuzz_ldadd)
%C%_fuzz_replay_amend_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_amend.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_bpe_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/bpe"' \
	-DLLMGW_FUZZ_VOCABULARY='"$(abs_top_srcdir)/%D%/vectors/tokens/vocabulary"'
%C%_fuzz_replay_bpe_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_bpe_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_bpe.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_command_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/command"'
%C%_fuzz_replay_command_LDADD = mod_llm_gateway/libllm_store.la \
	$(fuzz_ldadd) $(DB_LIBS)
%C%_fuzz_replay_command_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_command.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_dialect_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/dialect"'
%C%_fuzz_replay_dialect_LDADD = mod_llm_gateway/libllm_dialect.la \
	$(fuzz_ldadd)
%C%_fuzz_replay_dialect_SOURCES = \
	%D%/fuzz/framed.h \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_dialect.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_dump_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/dump"'
%C%_fuzz_replay_dump_LDADD = mod_llm_gateway/libllm_store.la \
	$(fuzz_ldadd) $(DB_LIBS)
%C%_fuzz_replay_dump_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_dump.c \
	%D%/fuzz/rig.h \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_journal_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/journal"'
%C%_fuzz_replay_journal_LDADD = mod_llm_gateway/libllm_store.la \
	$(fuzz_ldadd) $(DB_LIBS)
%C%_fuzz_replay_journal_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_journal.c \
	%D%/fuzz/rig.h \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_eventstream_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/eventstream"'
%C%_fuzz_replay_eventstream_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_eventstream_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_eventstream.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_form_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/form"'
%C%_fuzz_replay_form_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_form_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_form.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_json_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/json"'
%C%_fuzz_replay_json_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_json_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_json.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_inflate_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/inflate"'
%C%_fuzz_replay_inflate_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_inflate_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_inflate.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_ndjson_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/ndjson"'
%C%_fuzz_replay_ndjson_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_ndjson_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_ndjson.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_price_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/price"'
%C%_fuzz_replay_price_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_price_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_price.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_price_import_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/price_import"'
%C%_fuzz_replay_price_import_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_price_import_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_price_import.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_record_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/record"'
%C%_fuzz_replay_record_LDADD = mod_llm_gateway/libllm_store.la \
	$(fuzz_ldadd) $(DB_LIBS)
%C%_fuzz_replay_record_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_record.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_seal_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/seal"'
%C%_fuzz_replay_seal_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_seal_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_seal.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_schema_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/schema"'
%C%_fuzz_replay_schema_LDADD = mod_llm_gateway/libllm_dialect.la \
	$(fuzz_ldadd)
%C%_fuzz_replay_schema_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_schema.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_serve_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/serve"'
%C%_fuzz_replay_serve_LDADD = mod_llm_gateway/libllm_store.la \
	$(fuzz_ldadd) $(DB_LIBS)
%C%_fuzz_replay_serve_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_serve.c \
	%D%/fuzz/rig.h \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_sign_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/sign"'
%C%_fuzz_replay_sign_LDADD = mod_llm_gateway/libllm_dialect.la \
	$(fuzz_ldadd)
%C%_fuzz_replay_sign_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_sign.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_sse_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/sse"'
%C%_fuzz_replay_sse_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_sse_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_sse.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_text_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/text"'
%C%_fuzz_replay_text_LDADD = $(fuzz_ldadd)
%C%_fuzz_replay_text_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_text.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_export_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/export"'
%C%_fuzz_replay_export_LDADD = llmgwctl/libctl.la $(fuzz_ldadd)
%C%_fuzz_replay_export_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_export.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_token_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/token"'
%C%_fuzz_replay_token_LDADD = mod_llm_gateway/libllm_net.la \
	$(fuzz_ldadd) $(CURL_LIBS)
%C%_fuzz_replay_token_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_token.c \
	%D%/fuzz/standalone.c

%C%_fuzz_replay_words_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMGW_FUZZ_CORPUS='"$(fuzz_corpus)/words"'
%C%_fuzz_replay_words_LDADD = llmgwctl/libctl.la $(fuzz_ldadd)
%C%_fuzz_replay_words_SOURCES = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/fuzz_words.c \
	%D%/fuzz/standalone.c

EXTRA_DIST += \
	%D%/fuzz/build.sh \
	%D%/fuzz/corpus \
	%D%/fuzz/seeds.sh \
	$(fuzz_checks)
