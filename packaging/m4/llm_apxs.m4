# SPDX-License-Identifier: Apache-2.0
#
# LLM_APXS
#
# Finds httpd's apxs and asks it for facts, never to compile or to install:
# where the headers are (HTTPD_CPPFLAGS), where modules go (HTTPD_MODULEDIR),
# and which server it belongs to (HTTPD).
AC_DEFUN([LLM_APXS], [
  AC_ARG_WITH([apxs],
    [AS_HELP_STRING([--with-apxs=PATH],
      [the apxs of the httpd to build for @<:@searched in PATH@:>@])],
    [AS_CASE([$withval],
      [yes|no], [AC_MSG_ERROR([--with-apxs needs the path of a program])],
      [AS_IF([test -x "$withval"], [APXS=$withval],
        [AC_MSG_ERROR([--with-apxs: no such program: $withval])])])])
  AC_PATH_PROGS([APXS], [apxs apxs2], [no], [$PATH:/usr/sbin:/usr/local/sbin])
  AS_IF([test "x$APXS" = xno],
    [AC_MSG_ERROR([apxs was not found; it is in the package apache2-dev
 (Debian, Ubuntu) or httpd-devel (Fedora, RHEL); or give --with-apxs=PATH])])

  llm_httpd_includes=`"$APXS" -q INCLUDEDIR 2>/dev/null`
  AS_IF([test ! -f "$llm_httpd_includes/httpd.h"],
    [AC_MSG_ERROR([$APXS names '$llm_httpd_includes' as the folder of httpd's
 headers, but httpd.h is not there])])
  # System headers: their macros are not ours to warn about.
  AC_SUBST([HTTPD_CPPFLAGS], ["-isystem $llm_httpd_includes"])

  AC_MSG_CHECKING([for httpd 2.4.52 or later])
  llm_saved_cppflags=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $HTTPD_CPPFLAGS"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include "ap_release.h"
#if AP_SERVER_MAJORVERSION_NUMBER != 2 || AP_SERVER_MINORVERSION_NUMBER != 4 \
    || AP_SERVER_PATCHLEVEL_NUMBER < 52
#error "another httpd"
#endif]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([the headers in $llm_httpd_includes are not those of an httpd
 2.4.52 or a later 2.4])])
  CPPFLAGS=$llm_saved_cppflags

  AC_ARG_WITH([module-dir],
    [AS_HELP_STRING([--with-module-dir=DIR],
      [where the module is installed @<:@as apxs says@:>@])],
    [AS_CASE([$withval],
      [yes|no], [AC_MSG_ERROR([--with-module-dir needs a folder])],
      [HTTPD_MODULEDIR=$withval])],
    [HTTPD_MODULEDIR=`"$APXS" -q LIBEXECDIR`])
  AC_SUBST([HTTPD_MODULEDIR])

  # The server itself, for the tests that start one.
  AC_PATH_PROGS([HTTPD], [`"$APXS" -q PROGNAME`], [],
    [`"$APXS" -q SBINDIR`:$PATH])
])
