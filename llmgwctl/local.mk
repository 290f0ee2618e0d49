# SPDX-License-Identifier: Apache-2.0
#
# The program lies in its folder: at the top it would be asked to replace the
# folder of the same name. All but main.c is a library too, so that the unit
# tests link it. One file a line, in alphabetical order.

noinst_LTLIBRARIES += %D%/libctl.la

%C%_libctl_la_SOURCES = \
	%D%/ctl.h

%C%_libctl_la_LIBADD = mod_llm_gateway/libllmgw.la $(CJSON_LIBS)

if HAVE_CTL_MAIN
bin_PROGRAMS += %D%/llmgwctl
endif

%C%_llmgwctl_SOURCES = \
	%D%/main.c
%C%_llmgwctl_LDADD = %D%/libctl.la
