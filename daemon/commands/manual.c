/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow manual: the manual pages and the shell's completion, from the tables that the parsers
 * read. */
#include "adapters/adapter.h"
#include "daemon/base/roff.h"
#include "daemon/base/text.h"
#include "daemon/commands/command_line.h"

/* ---- mhsflow(1) ---- */

static void write_option(const CommandOption *option, FILE *out, Arena *arena)
{
    const char *term = arena_format(arena, "%s%s%s", option->name, option->argument ? " " : "",
                                    option->argument ? option->argument : "");
    roff_item(out, term,
              arena_format(arena, "%s%s.", option->help, option->required ? " (required)" : ""));
}

static void write_command(const Command *command, FILE *out, Arena *arena)
{
    roff_subheading(out,
                    arena_format(arena, "%s%s%s%s%s", command->noun, command->verb ? " " : "",
                                 command->verb ? command->verb : "", command->arguments ? " " : "",
                                 command->arguments ? command->arguments : ""));
    roff_paragraph(out, arena_format(arena, "%s.", command->summary));
    if (command->help)
        roff_paragraph(out, command->help);
    for (const CommandOption *option = command->options; option && option->name; option++)
        write_option(option, out, arena);
}

static void write_mhsflow(FILE *out, Arena *arena)
{
    roff_begin(out, "mhsflow", 1,
               "looks at and steers the flow from case-management records to national submissions");
    roff_heading(out, "SYNOPSIS");
    roff_paragraph(out, "`mhsflow` COMMAND [ARGUMENT...] [--json] [--config FILE]");
    roff_heading(out, "COMMANDS");
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++)
            write_command(command, out, arena);
    roff_heading(out, "OPTIONS OF EVERY COMMAND");
    for (const CommandOption *option = common_options; option->name; option++)
        write_option(option, out, arena);
    roff_heading(out, "EXIT STATUS");
    roff_paragraph(out, "0 done, 1 found something, 2 wrong usage, 3 could not.");
    roff_heading(out, "ENVIRONMENT");
    roff_item(out, "MHSFLOW_CONFIG", "The settings file where --config names none.");
    roff_item(out, "NO_COLOR", "No colours, on a terminal too.");
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, "`mhsflowd`(8), `mhsflow.yaml`(5), `mhsflow-mapping`(5)");
}

/* ---- mhsflow.yaml(5) ---- */

static void write_settings(const OptionDecl *table, FILE *out, Arena *arena)
{
    for (const OptionDecl *option = table; option && option->name; option++) {
        if (option->type == OPTION_SECTIONS)
            continue;
        const char *limits = option_limits(option, arena),
                   *fallback = option_default(option, arena);
        roff_item(
            out, arena_format(arena, "%s: %s", option->name, option_type_name(option->type)),
            arena_format(arena, "%s%s%s%s%s%s%s%s%s", option->help,
                         option->required ? "  Required." : "", fallback ? "  Default: " : "",
                         fallback ? fallback : "", fallback ? "." : "", limits ? "  Allowed: " : "",
                         limits ? limits : "", limits ? "." : "",
                         option->reload == OPTION_RESTART ? "  A change needs a restart." : ""));
    }
}

static void write_adapters(FILE *out, Arena *arena)
{
    size_t count;
    const FeedAdapter *const *feeds = feed_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        roff_subheading(out, arena_format(arena, "feeds, adapter: %s", feeds[i]->name));
        roff_paragraph(out, arena_format(arena, "%s.", feeds[i]->summary));
        write_settings(feeds[i]->options, out, arena);
    }
    const SubmitAdapter *const *routes = submit_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        roff_subheading(out, arena_format(arena, "routes, adapter: %s", routes[i]->name));
        roff_paragraph(out, arena_format(arena, "%s.", routes[i]->summary));
        write_settings(routes[i]->options, out, arena);
    }
}

static void write_yaml(FILE *out, Arena *arena)
{
    roff_begin(out, "mhsflow.yaml", 5, "settings of mhsflowd and mhsflow");
    roff_heading(out, "DESCRIPTION");
    roff_paragraph(out,
                   "Strict YAML, by default /etc/mhsflow/mhsflow.yaml.  `mhsflow check` reads it "
                   "and says what is wrong and where; `mhsflow check --sample` prints one with "
                   "every option.  Secrets stand in files of their own.");
    roff_heading(out, "OPTIONS");
    for (const ConfigSection *section = config_sections; section->title; section++) {
        roff_subheading(out, section->title);
        write_settings(section->table, out, arena);
    }
    write_adapters(out, arena);
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, "`mhsflow`(1), `mhsflowd`(8), `mhsflow-mapping`(5)");
}

/* ---- mhsflow-mapping(5) ---- */

static void write_mapping(FILE *out, Arena *arena)
{
    static const struct {
        const char *place, *word, *help;
    } words[] =
        {
#define WORD(place, word, help) {#place, word, help},
#include "daemon/mapping/word.def"
#undef WORD
        },
      transforms[] = {
#define TRANSFORM(name, function, sees_nothing, help) {"", name, help},
#include "daemon/mapping/transform.def"
#undef TRANSFORM
      };
    const char *place = "";
    roff_begin(out, "mhsflow-mapping", 5, "from a feed's records to national rows");
    roff_heading(out, "DESCRIPTION");
    roff_paragraph(out,
                   "A mapping is a folder: `mapping.yaml`, and code lists as `codes/NAME.csv`.  "
                   "`mhsflow try` shows what records become by it, without a database; "
                   "`mhsflow check` reads it.  Any word that is not listed here is an error.");
    roff_heading(out, "WORDS");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!text_equal(place, words[i].place))
            roff_subheading(out, text_equal(words[i].place, "FILE")    ? "of the file"
                                 : text_equal(words[i].place, "BLOCK") ? "of a table's block"
                                                                       : "of an element's line");
        place = words[i].place;
        roff_item(out, words[i].word, arena_format(arena, "%s.", words[i].help));
    }
    roff_heading(out, "TRANSFORMS");
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        roff_item(out, transforms[i].word, arena_format(arena, "%s.", transforms[i].help));
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, "`mhsflow`(1), `mhsflow.yaml`(5)");
}

/* ---- completion ---- */

static void list_nouns(FILE *out)
{
    const char *last = "";
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            if (!text_equal(last, command->noun))
                fprintf(out, " %s", command->noun);
            last = command->noun;
        }
}

/* Of one noun: its verbs, or with `verb` the options of that command. */
static void list_words(const char *noun, const char *verb, FILE *out)
{
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            if (!text_equal(noun, command->noun))
                continue;
            if (!verb && command->verb)
                fprintf(out, " %s", command->verb);
            if (verb && text_equal(verb, command->verb ? command->verb : ""))
                for (const CommandOption *option = command->options; option && option->name;
                     option++)
                    fprintf(out, " %s", option->name);
        }
}

static void write_completion(FILE *out, Arena *arena)
{
    (void)arena;
    fputs("# bash completion for mhsflow; made by `mhsflow manual bash-completion`\n"
          "_mhsflow() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
          "    case \"$COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[2]}\" in\n"
          "    1:*) words=\"",
          out);
    list_nouns(out);
    fputs("\" ;;\n", out);
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            fprintf(out, "    *:%s:%s) words=\"--json --config --help", command->noun,
                    command->verb ? command->verb : "*");
            list_words(command->noun, command->verb ? command->verb : "", out);
            fputs("\" ;;\n", out);
        }
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++)
            if (command->verb) {
                fprintf(out, "    2:%s:*) words=\"", command->noun);
                list_words(command->noun, NULL, out);
                fputs("\" ;;\n", out);
            }
    fputs("    esac\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
          "}\n"
          "complete -o default -F _mhsflow mhsflow\n",
          out);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*write)(FILE *out, Arena *arena);
} pages[] = {
    {"mhsflow.1", write_mhsflow},
    {"mhsflow.yaml.5", write_yaml},
    {"mhsflow-mapping.5", write_mapping},
    {"bash-completion", write_completion},
};

static int run_manual(CommandContext *context, Error *err)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (text_equal(pages[i].name, context->arguments[0])) {
            pages[i].write(context->out, context->arena);
            return EXIT_DONE;
        }
    command_usage(err, "there is no page \"%s\"; see mhsflow manual --help", context->arguments[0]);
    return EXIT_USAGE;
}

const Command manual_commands[] = {
    {.noun = "manual",
     .arguments = "PAGE",
     .least = 1,
     .most = 1,
     .summary = "Print a manual page's source, or the shell's completion",
     .help =
         "PAGE is mhsflow.1, mhsflow.yaml.5, mhsflow-mapping.5 or bash-completion. To read one: "
         "mhsflow manual mhsflow.1 | man -l -",
     .run = run_manual},
    {0}};
