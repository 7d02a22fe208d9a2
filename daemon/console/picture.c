/* SPDX-License-Identifier: Apache-2.0 */
/* Small pictures as inline SVG. */
#include "daemon/console/picture.h"

#include <string.h>

#define CELL_WIDTH 58
#define CELL_HEIGHT 26
#define LEFT 90
#define CHART_WIDTH 720
#define CHART_HEIGHT 160

static const char *number(Page *page, double value)
{
    return arena_format(page->arena, "%.1f", value);
}

static void begin(Page *page, const char *caption, int width, int height)
{
    Html *html = &page->html;
    html_open(html, "figure");
    html_say(html, "figcaption", caption);
    html_open(html, "div", {"class", "draw"}, {"role", "region"}, {"aria-label", caption},
              {"tabindex", "0"});
    html_open(html, "svg", {"width", arena_format(page->arena, "%d", width)},
              {"height", arena_format(page->arena, "%d", height)},
              {"viewBox", arena_format(page->arena, "0 0 %d %d", width, height)}, {"role", "img"},
              {"aria-label", "The table below says the same"});
}

static void end(Page *page)
{
    html_close(&page->html);
    html_close(&page->html);
    html_close(&page->html);
}

static void write_at(Page *page, double x, double y, const char *anchor, const char *text)
{
    html_say(&page->html, "text", text, {"x", number(page, x)}, {"y", number(page, y)},
             {"text-anchor", anchor});
}

/* In colour, and in a word that needs none. */
static void look_of(const TodayMonth *month, const char **ret_class, const char **ret_word)
{
    *ret_class = "none";
    *ret_word = month->to_build ? "to build" : "–";
    if (!month->newest)
        return;
    switch (month->newest->state) {
    case SUBMISSION_ACCEPTED:
        *ret_class = "accepted";
        *ret_word = month->to_build ? "changed" : "accepted";
        return;
    case SUBMISSION_HELD:
    case SUBMISSION_REJECTED:
        *ret_class = "person";
        *ret_word = month->newest->state == SUBMISSION_HELD ? "held" : "refused";
        return;
    case SUBMISSION_SUPERSEDED:
    case SUBMISSION_CANCELLED:
        *ret_word = submission_state_name(month->newest->state);
        return;
    default:
        *ret_class = "way";
        *ret_word = submission_state_name(month->newest->state);
    }
}

static void cell(Page *page, const TodayMonth *month, int column, int row)
{
    const char *look, *word;
    int x = LEFT + column * CELL_WIDTH, y = 22 + row * (CELL_HEIGHT + 4);
    look_of(month, &look, &word);
    html_void(&page->html, "rect", {"class", look}, {"x", number(page, x)}, {"y", number(page, y)},
              {"width", number(page, CELL_WIDTH - 3)}, {"height", number(page, CELL_HEIGHT)},
              {"rx", "3"});
    write_at(page, x + (CELL_WIDTH - 3) / 2.0, y + 17, "middle", word);
}

void picture_months(Page *page, const Today *today)
{
    size_t rows = 0, columns = 0;
    if (!today->month_count)
        return;
    while (rows < today->month_count && today->months[rows].month == today->months[0].month)
        rows++;
    columns = today->month_count / rows;
    begin(page, "Months by state, the newest on the left", LEFT + (int)columns * CELL_WIDTH,
          26 + (int)rows * (CELL_HEIGHT + 4));
    for (size_t i = 0; i < columns; i++)
        write_at(page, LEFT + (double)i * CELL_WIDTH + CELL_WIDTH / 2.0, 14, "middle",
                 page_month_value(page, today->months[i * rows].month));
    for (size_t k = 0; k < rows; k++)
        write_at(page, 0, 22 + (double)k * (CELL_HEIGHT + 4) + 17, "start",
                 today->months[k].provider);
    for (size_t i = 0; i < today->month_count; i++)
        cell(page, &today->months[i], (int)(i / rows), (int)(i % rows));
    end(page);
}

static void line_of(Page *page, const DayTally *days, size_t count, int64_t most, bool left_out)
{
    Text points = text_new(page->arena, (size_t)64 << 10);
    double span = count > 1 ? days[count - 1].day - days[0].day : 1;
    for (size_t i = 0; i < count; i++) {
        int64_t value = left_out ? days[i].left_out : days[i].findings;
        text_addf(&points, "%.1f,%.1f ",
                  50 + (days[i].day - days[0].day) / span * (CHART_WIDTH - 60),
                  10 + (CHART_HEIGHT - 30) * (1 - (double)value / (double)most));
    }
    html_void(&page->html, "polyline", {"class", left_out ? "line second" : "line"},
              {"points", text_get(&points)});
}

void picture_days(Page *page, const DayTally *days, size_t count)
{
    int64_t most = 1;
    if (count < 2)
        return;
    for (size_t i = 0; i < count; i++)
        most = days[i].findings > most ? days[i].findings : most;
    begin(page, "Findings over time: all of them, and dashed those that leave something out",
          CHART_WIDTH, CHART_HEIGHT);
    html_void(&page->html, "line", {"class", "axis"}, {"x1", "50"},
              {"y1", number(page, CHART_HEIGHT - 20)}, {"x2", number(page, CHART_WIDTH - 10)},
              {"y2", number(page, CHART_HEIGHT - 20)});
    write_at(page, 44, 16, "end", number_text(page->arena, most));
    write_at(page, 44, CHART_HEIGHT - 18, "end", "0");
    line_of(page, days, count, most, false);
    line_of(page, days, count, most, true);
    end(page);
}
