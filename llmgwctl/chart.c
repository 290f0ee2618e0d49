/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bars for people: a label, a bar, the number.
 *
 * The longest bar takes what the labels and the numbers leave of the terminal.
 * Where the locale is UTF-8 a bar ends in an eighth of a character; elsewhere,
 * and where nobody knows, it is made of "#". What is not zero has a bar.
 */
#include "llmgwctl/ctl.h"

#define WIDTH     80 /* into a file or a pipe */
#define NARROWEST 10 /* no longest bar is shorter */
#define EIGHTHS   8
#define BAR       "\033[36m"
#define PLAIN     "\033[0m"

typedef struct layout_t {
    unsigned label, value, bar; /* characters */
    apr_uint64_t most;
} layout_t;

static void put_text(const char *text, unsigned width, int is_right,
                     const ctl_world_t *world, apr_pool_t *pool)
{
    const char *shown = ctl_cut_text(text, width, pool);
    int blanks = (int)(width - ctl_text_width(shown));

    fprintf(world->out, "%*s%s%*s", is_right ? blanks : 0, "", shown,
            is_right ? 0 : blanks, "");
}

static void put_bar(const layout_t *layout, apr_uint64_t value,
                    const ctl_world_t *world)
{
    static const char *const ends[EIGHTHS] = {
        "",
        "\xe2\x96\x8f",
        "\xe2\x96\x8e",
        "\xe2\x96\x8d",
        "\xe2\x96\x8c",
        "\xe2\x96\x8b",
        "\xe2\x96\x8a",
        "\xe2\x96\x89",
    };
    double share = layout->most ? (double)value / (double)layout->most : 0;
    unsigned eighths = (unsigned)(share * layout->bar * EIGHTHS + 0.5), i;
    unsigned used;

    if (!world->is_utf8) {
        eighths = (eighths + EIGHTHS / 2) / EIGHTHS * EIGHTHS;
    }
    if (value && !eighths) {
        eighths = world->is_utf8 ? 1 : EIGHTHS;
    }
    fputs(world->colour && eighths ? BAR : "", world->out);
    for (i = 0; i < eighths / EIGHTHS; ++i) {
        fputs(world->is_utf8 ? "\xe2\x96\x88" : "#", world->out);
    }
    fputs(ends[eighths % EIGHTHS], world->out);
    fputs(world->colour && eighths ? PLAIN : "", world->out);
    used = (eighths + EIGHTHS - 1) / EIGHTHS;
    fprintf(world->out, "%*s", (int)(layout->bar - used), "");
}

static layout_t lay_out(const apr_array_header_t *bars, apr_uint64_t full,
                        const ctl_world_t *world)
{
    layout_t layout = {0, 0, NARROWEST, full};
    unsigned width = world->width ? world->width : WIDTH, rest;
    int i;

    for (i = 0; i < bars->nelts; ++i) {
        const ctl_bar_t *bar = &APR_ARRAY_IDX(bars, i, ctl_bar_t);
        unsigned label = ctl_text_width(bar->label);
        unsigned value = ctl_text_width(bar->text);

        layout.label = label > layout.label ? label : layout.label;
        layout.value = value > layout.value ? value : layout.value;
        layout.most = bar->value > layout.most ? bar->value : layout.most;
    }
    rest = layout.value + 4 + NARROWEST; /* two blanks between them */
    if (layout.label + rest > width) {
        layout.label = width > rest + NARROWEST ? width - rest : NARROWEST;
    }
    if (width > layout.label + layout.value + 4 + NARROWEST) {
        layout.bar = width - layout.label - layout.value - 4;
    }
    return layout;
}

void ctl_chart(const apr_array_header_t *bars, apr_uint64_t full,
               const ctl_world_t *world, apr_pool_t *pool)
{
    layout_t layout = lay_out(bars, full, world);
    apr_pool_t *line_pool;
    int i;

    apr_pool_create(&line_pool, pool);
    for (i = 0; i < bars->nelts; ++i) {
        const ctl_bar_t *bar = &APR_ARRAY_IDX(bars, i, ctl_bar_t);

        put_text(bar->label, layout.label, 0, world, line_pool);
        fputs("  ", world->out);
        put_bar(&layout, bar->value, world);
        fputs("  ", world->out);
        put_text(bar->text, layout.value, 1, world, line_pool);
        fputc('\n', world->out);
        apr_pool_clear(line_pool);
    }
    apr_pool_destroy(line_pool);
}
