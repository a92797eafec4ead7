/* SPDX-License-Identifier: MIT */
/* One point for each POINTS-th of a decade of the fraction, so the tail is as
 * fine as the body. A policy that overloads a server would squeeze the others:
 * values beyond 1000 times the least median do not widen the x axis. Policies
 * that do the same, as round robins do with equal weights, coincide: the later
 * ones are dashed, so that all can be seen. */
#include "chart.h"

#include <math.h>
#include <stdlib.h>

enum {
    LEFT = 84,
    TOP = 88,
    PLOT_WIDTH = 620,
    PLOT_HEIGHT = 400,
    LEGEND = LEFT + PLOT_WIDTH + 24,
    WIDTH = LEGEND + 236,
    HEIGHT = TOP + PLOT_HEIGHT + 64,
    DECADES = 4, /* Of the fraction. */
    POINTS = 100,
};

/* Okabe and Ito's colours, which the colour-blind can tell apart; from the
 * ninth on lines are dashed, too. */
static const char *const colours[] = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7",
    "#e69f00", "#56b4e9", "#000000", "#a3a300",
};
static const char *const dashes[] = { "none", "12 12", "6 18", "2 10" };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct axis { /* log10 of milliseconds. */
    double low;
    double high;
};

static double percentile_ms(const struct chart_line *line, double fraction)
{
    double ms = histogram_percentile(line->latency, fraction) / 1e6;

    return ms > 1e-6 ? ms : 1e-6;
}

static int by_p99(const void *a, const void *b)
{
    double x = percentile_ms(a, 0.99);
    double y = percentile_ms(b, 0.99);

    return (x > y) - (x < y);
}

static struct axis axis_for(const struct chart_line *lines, size_t count)
{
    double low = HUGE_VAL;
    double median = HUGE_VAL;
    double high = 0;

    for (size_t i = 0; i < count; i++) {
        low = fmin(low, percentile_ms(&lines[i], 0.1));
        median = fmin(median, percentile_ms(&lines[i], 0.5));
    }
    for (size_t i = 0; i < count; i++) {
        double end = percentile_ms(&lines[i], 1 - pow(10, -DECADES));
        if (end <= 1000 * median) {
            high = fmax(high, 1.1 * end);
        }
    }
    high = fmax(high, 2 * low);
    return (struct axis) { .low = log10(low), .high = log10(high) };
}

static double x_of(const struct axis *axis, double ms)
{
    double part = (log10(ms) - axis->low) / (axis->high - axis->low);

    return LEFT + PLOT_WIDTH * part;
}

static void print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            putc(*text, out);
        }
    }
}

static void print_frame(FILE *out, const char *title, const char *subtitle,
                        const char *note)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<clipPath id=\"plot\"><rect x=\"%d\" y=\"%d\" width=\"%d\" "
            "height=\"%d\"/></clipPath>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT);
    fprintf(out, "<text x=\"%d\" y=\"28\" font-size=\"18\">", LEFT);
    print_text(out, title);
    fprintf(out, "</text>\n<text x=\"%d\" y=\"50\" fill=\"#555\">", LEFT);
    print_text(out, subtitle);
    fprintf(out, "</text>\n<text x=\"%d\" y=\"68\" fill=\"#555\">", LEFT);
    print_text(out, note);
    fprintf(out, "</text>\n");
}

static void print_x_axis(FILE *out, const struct axis *axis)
{
    static const int steps[] = { 1, 2, 5 };
    /* All of 1, 2 and 5 have room for a label in this many decades. */
    size_t labels = axis->high - axis->low <= 3.5 ? COUNT_OF(steps) : 1;

    for (int k = (int)floor(axis->low); k <= (int)ceil(axis->high); k++) {
        for (size_t i = 0; i < labels; i++) {
            double ms = steps[i] * pow(10, k);
            double x = x_of(axis, ms);
            if (x < LEFT - 0.5 || x > LEFT + PLOT_WIDTH + 0.5) {
                continue;
            }
            fprintf(out,
                    "<path d=\"M%.1f %dv%d\" stroke=\"#ddd\"/>\n"
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">"
                    "%.10g</text>\n",
                    x, TOP, PLOT_HEIGHT, x, TOP + PLOT_HEIGHT + 18, ms);
        }
    }
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">latency "
            "(milliseconds)</text>\n",
            LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 42);
}

static void print_y_axis(FILE *out)
{
    static const char *const labels[DECADES + 1] = { "100 %", "10 %", "1 %",
                                                     "0.1 %", "0.01 %" };
    const int middle = TOP + PLOT_HEIGHT / 2;

    for (int i = 0; i <= DECADES; i++) {
        int y = TOP + PLOT_HEIGHT * i / DECADES;
        fprintf(out,
                "<path d=\"M%d %dh%d\" stroke=\"#ddd\"/>\n"
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
                LEFT, y, PLOT_WIDTH, LEFT - 8, y + 4, labels[i]);
    }
    fprintf(out,
            "<text x=\"22\" y=\"%d\" text-anchor=\"middle\" "
            "transform=\"rotate(-90 22 %d)\">requests that took "
            "longer</text>\n"
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "fill=\"none\" stroke=\"#555\"/>\n",
            middle, middle, LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT);
}

/* Do the lines coincide, to the eye? */
static int is_same(const struct chart_line *a, const struct chart_line *b)
{
    static const double fractions[] = { 0.5, 0.99, 0.999 };
    int is_same_so_far = 1;

    for (size_t i = 0; i < COUNT_OF(fractions); i++) {
        double x = percentile_ms(a, fractions[i]);
        is_same_so_far &= fabs(percentile_ms(b, fractions[i]) - x) < x / 100;
    }
    return is_same_so_far;
}

static void print_stroke(FILE *out, const struct chart_line *lines, size_t i)
{
    size_t below = 0;

    while (below < i && is_same(&lines[i], &lines[i - below - 1])) {
        below++;
    }
    fprintf(out,
            " fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" "
            "stroke-dasharray=\"%s\"",
            colours[i % COUNT_OF(colours)],
            dashes[(below + i / COUNT_OF(colours)) % COUNT_OF(dashes)]);
}

static void print_line(FILE *out, const struct chart_line *lines, size_t i,
                       const struct axis *axis)
{
    fprintf(out, "<polyline clip-path=\"url(#plot)\"");
    print_stroke(out, lines, i);
    fprintf(out, " points=\"");
    for (int k = 0; k <= DECADES * POINTS; k++) {
        double above = pow(10, -(double)k / POINTS);
        double x = x_of(axis, percentile_ms(&lines[i], 1 - above));
        fprintf(out, "%.1f,%.1f ", x,
                TOP + PLOT_HEIGHT * (double)k / (DECADES * POINTS));
    }
    fprintf(out, "\"/>\n");
}

static void print_legend(FILE *out, const struct chart_line *lines,
                         size_t count)
{
    const int room = HEIGHT - TOP - 40;
    const int step = 20 * (int)count <= room ? 20 : room / (int)count;

    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#555\">p99 "
            "(ms)</text>\n",
            WIDTH - 16, TOP + 4);
    for (size_t i = 0; i < count; i++) {
        int y = TOP + 26 + step * (int)i;
        double p99 = percentile_ms(&lines[i], 0.99);
        fprintf(out, "<path d=\"M%d %dh28\"", LEGEND, y - 4);
        print_stroke(out, lines, i);
        fprintf(out, "/>\n<text x=\"%d\" y=\"%d\">", LEGEND + 36, y);
        print_text(out, lines[i].name);
        fprintf(out,
                "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">"
                "%.*f</text>\n",
                WIDTH - 16, y,
                p99 < 10     ? 2
                : p99 < 1000 ? 1
                             : 0,
                p99);
    }
}

void chart_print(FILE *out, const char *title, const char *subtitle,
                 const char *note, struct chart_line *lines, size_t count)
{
    qsort(lines, count, sizeof lines[0], by_p99);
    struct axis axis = axis_for(lines, count);
    print_frame(out, title, subtitle, note);
    print_x_axis(out, &axis);
    print_y_axis(out);
    for (size_t i = 0; i < count; i++) {
        print_line(out, lines, i, &axis);
    }
    print_legend(out, lines, count);
    fprintf(out, "</svg>\n");
}
