# SPDX-License-Identifier: Apache-2.0
#
# Turns a manual page written in Markdown into roff.
#
#     awk -f man.awk -v version=0.1.0 llmgwctl.1.md >llmgwctl.1
#
# It knows what our pages use and refuses nothing: headings, paragraphs, lists
# whose items are "- **term**: text", code between fences, and **bold**,
# *italic* and `code` within a line. An item or paragraph goes on until an
# empty line or the next item.

function roff(text)
{
    gsub(/\\/, "\\e", text)
    text = spans(text, "`", "\\fB", 0)
    text = spans(text, "**", "\\fB", 1)
    text = spans(text, "*", "\\fI", 1)
    gsub("\001", "*", text)
    gsub(/-/, "\\-", text)
    sub(/^[.']/, "\\\\\\&&", text)
    return text
}

# What stands between two marks, in the font. Stars within code are code: they
# are put aside until the stars that are marks have been found.
function spans(text, mark, font, inner,    out, a, b, part)
{
    out = ""
    while ((a = index(text, mark)) > 0) {
        b = index(substr(text, a + length(mark)), mark)
        if (b == 0) {
            break
        }
        part = substr(text, a + length(mark), b - 1)
        if (!inner) {
            gsub(/\*/, "\001", part)
        }
        out = out substr(text, 1, a - 1) font part "\\fR"
        text = substr(text, a + b - 1 + 2 * length(mark))
    }
    return out text
}

function flush(    at)
{
    if (kind == "item") {
        at = index(text, ":")
        print ".TP"
        print roff(substr(text, 1, at - 1))
        print roff(substr(text, at + 2))
    } else if (kind == "paragraph") {
        print ".PP"
        print roff(text)
    }
    kind = text = ""
}

/^```/ {
    flush()
    print in_code ? ".EE\n.RE" : ".PP\n.RS 4\n.EX"
    in_code = !in_code
    next
}
in_code {
    gsub(/\\/, "\\e")
    gsub(/-/, "\\-")
    sub(/^[.']/, "\\\\\\&&")
    print
    next
}
/^# / {
    name = $2
    sub(/\(.*/, "", name)
    part = $2
    gsub(/[^0-9]/, "", part)
    print ".\\\" made by packaging/man.awk"
    printf ".TH %s %s \"\" \"mod_llm_gateway %s\"\n", toupper(name), part, version
    next
}
/^## / { flush(); print ".SH " substr($0, 4); next }
/^### / { flush(); print ".SS " roff(substr($0, 5)); next }
/^- / { flush(); kind = "item"; text = substr($0, 3); next }
/^[ \t]*$/ { flush(); next }
{
    sub(/^ +/, "")
    if (kind == "") {
        kind = "paragraph"
        text = $0
    } else {
        text = text " " $0
    }
}
END { flush() }
