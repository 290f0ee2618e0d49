# SPDX-License-Identifier: Apache-2.0
#
# The program lies in its folder: at the top it would be asked to replace the
# folder of the same name. All but main.c is a library too, so that the unit
# tests link it. One file a line, in alphabetical order.

noinst_LTLIBRARIES += %D%/libctl.la

%C%_libctl_la_SOURCES = \
	%D%/ask.c \
	%D%/budget.c \
	%D%/chart.c \
	%D%/cmd_audit.c \
	%D%/cmd_completion.c \
	%D%/cmd_config.c \
	%D%/cmd_cost.c \
	%D%/cmd_doctor.c \
	%D%/cmd_events.c \
	%D%/cmd_key.c \
	%D%/cmd_price.c \
	%D%/cmd_price_check.c \
	%D%/cmd_price_edit.c \
	%D%/cmd_price_import.c \
	%D%/prices.c \
	%D%/prices.h \
	%D%/cmd_reconcile.c \
	%D%/cmd_rerate.c \
	%D%/cmd_secret.c \
	%D%/cmd_status.c \
	%D%/cmd_store.c \
	%D%/cmd_store_backup.c \
	%D%/cmd_store_dump.c \
	%D%/cmd_team.c \
	%D%/cmd_usage.c \
	%D%/commands.def \
	%D%/cost.h \
	%D%/cost_print.c \
	%D%/ctl.h \
	%D%/doctor_store.c \
	%D%/export.c \
	%D%/export.h \
	%D%/export_csv.c \
	%D%/fields.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/follow.c \
	%D%/help.c \
	%D%/httpd.c \
	%D%/print.c \
	%D%/progress.c \
	%D%/prompt.c \
	%D%/rerate.c \
	%D%/rerate.h \
	%D%/run.c \
	%D%/steps.c \
	%D%/store_copy.c \
	%D%/store_copy.h \
	%D%/table.c \
	%D%/words.c \
	%D%/zone.c

%C%_libctl_la_LIBADD = mod_llm_gateway/libllmgw.la $(CJSON_LIBS)

bin_PROGRAMS += %D%/llmgwctl

%C%_llmgwctl_SOURCES = \
	%D%/main.c
%C%_llmgwctl_LDADD = %D%/libctl.la

man1_MANS = %D%/llmgwctl.1
EXTRA_DIST += %D%/README.md %D%/llmgwctl.1.md packaging/man.awk
CLEANFILES += %D%/llmgwctl.1

%D%/llmgwctl.1: %D%/llmgwctl.1.md packaging/man.awk
	$(AM_V_GEN)$(MKDIR_P) %D% && $(AWK) -f $(top_srcdir)/packaging/man.awk \
		-v version='$(PACKAGE_VERSION)' $(srcdir)/%D%/llmgwctl.1.md >$@.tmp \
		&& mv $@.tmp $@
