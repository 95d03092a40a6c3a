/* SPDX-License-Identifier: MIT */
#include "report/story_page.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "report/links.h"
#include "report/page.h"
#include "report/picture.h"
#include "report/space_svg.h"
#include "report/story.h"
#include "report/story_text.h"
#include "report/titles.h"
#include "select/policy.h"

static const char style[] =
	"<style>\n"
	"body{max-width:78rem}.wide{overflow-x:auto}.lead{max-width:60rem}\n"
	".step{border-top:1px solid var(--rule);padding:.2rem .6rem 1rem;scroll-margin:1rem}"
	".step h3{margin:.8rem 0 .4rem}.step:target,.step.now{outline:3px solid var(--mark)}\n"
	".sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2rem}"
	".side h4{margin:.4rem 0;color:var(--quiet);font-weight:normal}.side{min-width:0}\n"
	".command{margin:.3rem 0}.command code{overflow-wrap:anywhere}.why{margin:.2rem 0 .2rem 1rem}\n"
	".state{margin:.3rem 0;font-weight:bold}.note{margin:.2rem 0}\n"
	".spaces{display:flex;flex-wrap:wrap;gap:1rem}.spaces figure{margin:.5rem 0;min-width:0}"
	"figure svg{width:330px;max-width:100%;height:auto}svg text.small{font-size:11.5px}"
	".device{fill:var(--paper);stroke:var(--mark);stroke-width:1.5}"
	".domain{fill:var(--paper);stroke:var(--ok);stroke-width:1.5;stroke-dasharray:5 3}"
	".gap{stroke-dasharray:3 3}.ram,.bar,.resv{stroke:var(--rule)}"
	".ram.conflict{fill:var(--ram)}.bar.conflict{fill:var(--bar)}.resv.conflict{fill:var(--resv)}"
	".ram.conflict,.bar.conflict,.resv.conflict{stroke:var(--refused)}\n"
	"a.term{color:inherit;text-decoration:underline dotted}a.term:hover{color:var(--mark)}\n"
	"details{margin:.3rem 0;color:var(--quiet);font-size:.9em}\n"
	".question{background:var(--panel);padding:.4rem 1rem 1rem;margin:1rem 0}"
	"nav.steps{position:sticky;bottom:0;background:var(--paper);border-top:1px solid var(--rule);"
	"padding:.4rem 0}nav.steps button{font:inherit;padding:.2rem .8rem}\n"
	"</style>\n";

/* Steps through the timeline: buttons, and keys where no field has them. */
static const char script[] =
	"<script>\n"
	"(function(){var s=[].slice.call(document.querySelectorAll('.step')),i=-1;\n"
	"function go(n){if(n<0||n>=s.length)return;if(i>=0)s[i].classList.remove('now');i=n;"
	"s[i].classList.add('now');s[i].scrollIntoView({block:'start'});"
	"document.getElementById('where').textContent='step '+(i+1)+' of '+s.length}\n"
	"document.getElementById('next').onclick=function(){go(i+1)};"
	"document.getElementById('back').onclick=function(){go(i-1)};\n"
	"document.addEventListener('keydown',function(e){if(e.ctrlKey||e.altKey||e.metaKey)return;"
	"if(e.key==='ArrowRight'||e.key==='j'){go(i+1);e.preventDefault()}"
	"if(e.key==='ArrowLeft'||e.key==='k'){go(i-1);e.preventDefault()}})})();\n"
	"</script>\n";

struct writer {
	const struct story_page *page;
	struct links links;
	FILE *to;
	unsigned number;	/* of the last step */
};

static void put_paragraph(struct writer *writer, const char *class, const char *head, const char *text)
{
	if (!text)
		return;
	fprintf(writer->to, "<p class=\"%s\">", class);
	if (*head)
		fprintf(writer->to, "<strong>%s</strong> ", head);
	links_text(&writer->links, text);
	fputs("</p>\n", writer->to);
}

static const char *mode_title(const struct story *story)
{
	return story->play->mode == MODE_LEGACY ? "containers" : "iommufd";
}

/* ---- The machine ------------------------------------------------------- */

static void put_device(struct writer *writer, const struct vfiosim_topology *topology,
		       const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topo_group *group = device->group >= 0 ? &topology->groups[device->group] : NULL;
	bool mdev = device->kind == VFIOSIM_DEVICE_MDEV;
	char text[200];

	fputs("<tr><th scope=\"row\">", writer->to);
	page_text(writer->to, device->name);
	fputs("</th><td>", writer->to);
	links_text(&writer->links, mdev ? "a mediated device (mdev)" : "a physical device");
	snprintf(text, sizeof(text), "%u", group ? group->number : 0);
	fprintf(writer->to, "</td><td>%s</td><td>", group ? text : "none");
	page_text(writer->to, group && group->iommu >= 0 ? topology->iommus[group->iommu].name : "none");
	fputs("</td><td>", writer->to);
	page_text(writer->to, mdev ? "its own" : *device->driver ? device->driver : "none");
	fputs("</td></tr>\n", writer->to);
}

static bool takes_part(const struct story_page *page, const char *device)
{
	for (size_t i = 0; i < STORY_PAGE_SIDES; i++)
		if (page->sides[i] && story_takes_part(page->sides[i], device))
			return true;
	return false;
}

static void put_machine(struct writer *writer)
{
	const struct vfiosim_topology *topology = writer->page->sides[0]->play->topology;

	fputs("<h2 id=\"machine\">The machine</h2>\n", writer->to);
	links_section(&writer->links);
	put_paragraph(writer, "lead", "", topology->about);
	fputs("<div class=\"wide\"><table class=\"grid\"><thead><tr><th>device</th><th>what</th>"
	      "<th>group</th><th>IOMMU</th><th>driver</th></tr></thead><tbody>\n", writer->to);
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].kind != VFIOSIM_DEVICE_BRIDGE &&
		    takes_part(writer->page, topology->devices[i].name))
			put_device(writer, topology, &topology->devices[i]);
	fputs("</tbody></table></div>\n", writer->to);
}

/* ---- Commands ---------------------------------------------------------- */

static void put_answer(struct writer *writer, const struct story_command *command)
{
	const char *name = strerrorname_np(command->error);

	if (command->error)
		fprintf(writer->to, "<span class=\"refused\">refused: %s (%s)</span>", name ? name : "?",
			strerror(command->error));
	else if (command->result > 0)
		fprintf(writer->to, "<span class=\"ok\">ok, answer %ld</span>", command->result);
	else
		fputs("<span class=\"ok\">ok</span>", writer->to);
}

static void put_list(struct writer *writer, const char **list)
{
	if (!list || !list[0])
		return;
	fputs("<ul>\n", writer->to);
	for (; *list; list++) {
		fputs("<li>", writer->to);
		links_text(&writer->links, *list);
		fputs("</li>\n", writer->to);
	}
	fputs("</ul>\n", writer->to);
}

static void put_reason(struct writer *writer, const struct story_command *command)
{
	if (!command->rule || !command->reason)
		return;
	fputs("<p class=\"why\">because ", writer->to);
	links_text(&writer->links, command->reason);
	fputs(" <span class=\"quiet\">[rule ", writer->to);
	page_text(writer->to, command->rule->id);
	fputs("; Linux: ", writer->to);
	page_text(writer->to, command->rule->mirrors);
	fputs("]</span></p>\n", writer->to);
	if (command->walk && command->walk[0]) {
		fputs("<p class=\"why\">What the kernel did with that one command:</p>\n", writer->to);
		put_list(writer, command->walk);
	}
}

static void put_command(struct writer *writer, const struct story_command *command)
{
	fputs("<p class=\"command\"><code>", writer->to);
	page_text(writer->to, command->name);
	putc(' ', writer->to);
	page_text(writer->to, command->what);
	fputs("</code> ", writer->to);
	put_answer(writer, command);
	fputs("</p>\n", writer->to);
	put_reason(writer, command);
	put_list(writer, command->changes);
}

static void put_folded(struct writer *writer, const struct story_scene *scene)
{
	size_t n = 0;

	for (size_t i = 0; i < scene->n_commands; i++)
		n += scene->commands[i].folded;
	if (!n)
		return;
	fprintf(writer->to, "<details><summary>%zu command%s of set-up, answered as expected</summary>\n<ul>\n",
		n, n == 1 ? "" : "s");
	for (size_t i = 0; i < scene->n_commands; i++) {
		if (!scene->commands[i].folded)
			continue;
		fputs("<li><code>", writer->to);
		page_text(writer->to, scene->commands[i].name);
		putc(' ', writer->to);
		page_text(writer->to, scene->commands[i].what);
		fputs("</code></li>\n", writer->to);
	}
	fputs("</ul></details>\n", writer->to);
}

/* ---- What is left behind ----------------------------------------------- */

/* Pictures of the spaces that changed, and of the one that refused something. */
static void put_spaces(struct writer *writer, struct story *story, const struct story_scene *scene)
{
	uint64_t at = UINT64_MAX;
	const struct space *refusing = ruler_of(story, scene, &at);
	char text[500];
	bool any = false;

	for (size_t i = 0; i < scene->after.n; i++) {
		const struct space *space = &scene->after.list[i];
		bool changed = story_space_differs(space, spaces_find(&scene->before, space->name));

		if (!changed && space != refusing)
			continue;
		story_space_line(story, space, text, sizeof(text));
		fprintf(writer->to, "<p class=\"state\">");
		links_text(&writer->links, text);
		fprintf(writer->to, "%s</p>\n", changed ? "" : " (unchanged)");
		any = true;
	}
	if (!any)
		return;
	fputs("<div class=\"spaces\">\n", writer->to);
	for (size_t i = 0; i < scene->after.n; i++) {
		const struct space *space = &scene->after.list[i];

		if (space == refusing || story_space_differs(space, spaces_find(&scene->before, space->name)))
			space_svg(story, space, space == refusing ? at : UINT64_MAX, writer->to);
	}
	fputs("</div>\n", writer->to);
}

static void put_scene(struct writer *writer, struct story *story, const struct story_scene *scene, bool first)
{
	if (!first && *scene->title)
		put_paragraph(writer, "note", "", scene->title);
	for (size_t i = 0; i < scene->n_commands; i++)
		if (!scene->commands[i].folded)
			put_command(writer, &scene->commands[i]);
	put_folded(writer, scene);
	if (scene->decided)
		put_paragraph(writer, "note", "So:", scene->decided);
	put_spaces(writer, story, scene);
}

/* ---- Steps ------------------------------------------------------------- */

/* Where the step that is written at @node stands in the story's play; SIZE_MAX: left out there. */
static size_t step_of(const struct story *story, const struct ynode *node)
{
	for (size_t i = 0; story && i < story->play->n_steps; i++)
		if (story->play->steps[i].node == node)
			return i;
	return SIZE_MAX;
}

static bool worth_telling(const struct story_scene *scene)
{
	return scene->n_commands || scene->decided || scene->alone;
}

static const struct story_scene *first_scene(const struct story *story, size_t step)
{
	const struct story_scene *scene = NULL;

	for (size_t i = 0; story && step != SIZE_MAX && (scene = story_scene(story, i)); i++)
		if (scene->step == step && worth_telling(scene))
			return scene;
	return NULL;
}

static void put_side(struct writer *writer, struct story *story, size_t step)
{
	const struct story_scene *scene;
	bool first = true;

	links_section(&writer->links);
	fputs("<div class=\"side\">\n", writer->to);
	if (writer->page->sides[1])
		fprintf(writer->to, "<h4>%s</h4>\n", mode_title(story));
	for (size_t i = 0; (scene = story_scene(story, i)); i++) {
		if (scene->step != step || !worth_telling(scene))
			continue;
		put_scene(writer, story, scene, first);
		first = false;
	}
	if (first)
		fputs("<p class=\"quiet\">Nothing is asked of the machine here.</p>\n", writer->to);
	fputs("</div>\n", writer->to);
}

/* A lesson's question, where the tour asks it. */
static void put_question(struct writer *writer)
{
	const struct case_lesson *lesson = &writer->page->file->lesson;

	fputs("<section class=\"question\">\n", writer->to);
	links_section(&writer->links);
	put_paragraph(writer, "note", "A question, before you read on.", lesson->question);
	fputs("<ol type=\"a\">\n", writer->to);
	for (unsigned i = 0; i < LESSON_ANSWERS; i++) {
		fputs("<li>", writer->to);
		links_text(&writer->links, lesson->answers[i]);
		fputs("</li>\n", writer->to);
	}
	fprintf(writer->to, "</ol>\n<details><summary>The answer</summary><p>It is %c. ",
		'a' + (char)lesson->right);
	links_text(&writer->links, lesson->why);
	fputs("</p></details>\n</section>\n", writer->to);
}

/* Is it asked before the step written at @node? */
static bool asks_before(const struct story_page *page, const struct ynode *node)
{
	const struct case_lesson *lesson = &page->file->lesson;

	return lesson->title && lesson->at && step_of(page->sides[0], node) == lesson->at - 1;
}

static void put_step(struct writer *writer, const struct ynode *node)
{
	const struct story_page *page = writer->page;
	const struct step *step = NULL;
	const char *actor = "";
	char title[600];

	for (size_t i = 0; i < STORY_PAGE_SIDES; i++) {
		size_t at = step_of(page->sides[i], node);

		if (!step && first_scene(page->sides[i], at)) {
			step = &page->sides[i]->play->steps[at];
			actor = story_actor(page->sides[i]->play);
		}
	}
	if (!step)
		return;
	title_of_step(step, actor, title, sizeof(title));
	fprintf(writer->to, "<section class=\"step\" id=\"s%u\">\n<h3>%u. ", writer->number + 1, writer->number + 1);
	writer->number++;
	page_text(writer->to, title);
	fputs("</h3>\n", writer->to);
	links_section(&writer->links);
	put_paragraph(writer, "note", "", step->note);
	fputs("<div class=\"sides\">\n", writer->to);
	for (size_t i = 0; i < STORY_PAGE_SIDES; i++)
		if (page->sides[i])
			put_side(writer, page->sides[i], step_of(page->sides[i], node));
	fputs("</div>\n</section>\n", writer->to);
}

/* A lesson says first what a reader needs to know. What it shows comes at its end. */
static void put_lesson(struct writer *writer)
{
	const struct case_lesson *lesson = &writer->page->file->lesson;
	char head[40];

	snprintf(head, sizeof(head), "Lesson %llu.", (unsigned long long)lesson->number);
	put_paragraph(writer, "lead", head, lesson->before);
}

static void put_told(struct writer *writer)
{
	const struct play *play = writer->page->sides[0]->play;
	const char *variant = case_variant(play->file, play->variant);
	char text[600];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s", variant ? "variant " : "", variant ? variant : "",
		 variant ? "; " : "", mode_title(writer->page->sides[0]),
		 writer->page->sides[1] ? " and " : "",
		 writer->page->sides[1] ? mode_title(writer->page->sides[1]) : "",
		 play->policy ? "; the program chooses as " : "", play->policy ? story_actor(play) : "");
	put_paragraph(writer, "lead quiet", "Told here:", text);
	if (play->policy) {
		snprintf(text, sizeof(text), "%s: %s", story_actor(play), play->policy->about);
		put_paragraph(writer, "lead quiet", "", text);
	}
}

static void put_nav(struct writer *writer)
{
	fputs("<nav class=\"steps\" aria-label=\"steps\"><button id=\"back\" type=\"button\">back</button> "
	      "<button id=\"next\" type=\"button\">next</button> <span id=\"where\" aria-live=\"polite\">"
	      "</span> <span class=\"quiet\">keys: left, right</span></nav>\n", writer->to);
}

void story_page_write(const struct story_page *page, FILE *to)
{
	struct writer writer = { .page = page, .to = to };
	const struct ynode *steps = page->file->steps;

	writer.links.to = to;
	for (size_t i = 0; i < STORY_PAGE_SIDES; i++) {
		writer.links.legacy |= page->sides[i] && page->sides[i]->play->mode == MODE_LEGACY;
		writer.links.iommufd |= page->sides[i] && page->sides[i]->play->mode == MODE_IOMMUFD;
	}
	page_begin(to, page->file->lesson.title ? page->file->lesson.title : page->file->name,
		   page->file->about);
	fputs(style, to);
	if (page->file->lesson.title)
		put_lesson(&writer);
	if (!page->file->lesson.title)
		put_paragraph(&writer, "lead", "What this shows:", page->file->teaches);
	put_paragraph(&writer, "lead", "Seen as:", page->file->symptom);
	put_paragraph(&writer, "lead", "Met in:", page->file->source);
	put_told(&writer);
	put_machine(&writer);
	fputs("<h2 id=\"steps\">Step by step</h2>\n", to);
	for (size_t i = 0; i < steps->n; i++) {
		if (asks_before(page, &steps->items[i]))
			put_question(&writer);
		put_step(&writer, &steps->items[i]);
	}
	if (page->file->lesson.title && !page->file->lesson.at)
		put_question(&writer);
	put_nav(&writer);
	links_section(&writer.links);
	if (page->file->lesson.title)
		put_paragraph(&writer, "lead", "What this shows:", page->file->teaches);
	if (page->more)
		page->more(to, page->ctx);
	fputs("<h2 id=\"glossary\">Words</h2>\n", to);
	links_glossary(&writer.links);
	fputs(script, to);
	page_end(to);
}

/* ---- A run ------------------------------------------------------------- */

static void put_run_step(struct writer *writer, struct story *story, const struct story_scene *scene)
{
	writer->number++;
	fprintf(writer->to, "<section class=\"step\" id=\"s%u\">\n<h3>%u. ", writer->number, writer->number);
	page_text(writer->to, scene->title);
	fputs("</h3>\n<div class=\"side\">\n", writer->to);
	links_section(&writer->links);
	put_scene(writer, story, scene, true);
	fputs("</div>\n</section>\n", writer->to);
}

static bool has_ioas(const struct story_scene *scene)
{
	for (size_t i = 0; i < scene->after.n; i++)
		if (space_is_ioas(&scene->after.list[i]))
			return true;
	return false;
}

void story_page_write_run(struct story *story, const char *title, size_t untold, FILE *to)
{
	const struct story_page page = { .sides = { story, NULL } };
	struct writer writer = { .page = &page, .links = { .to = to, .legacy = true }, .to = to };
	const struct story_scene *scene;

	for (size_t i = 0; (scene = story_scene(story, i)); i++)
		writer.links.iommufd |= has_ioas(scene);
	page_begin(to, title, "what the program asked of VFIO, and what the kernel made of it");
	fputs(style, to);
	put_machine(&writer);
	fputs("<h2 id=\"steps\">Step by step</h2>\n", to);
	for (size_t i = 0; (scene = story_scene(story, i)); i++)
		if (scene->n_commands)
			put_run_step(&writer, story, scene);
	if (!writer.number)
		fputs("<p>The program asked nothing of VFIO.</p>\n", to);
	if (untold)
		fprintf(to, "<p class=\"quiet\">And %zu more commands, which are not told.</p>\n", untold);
	put_nav(&writer);
	fputs("<h2 id=\"glossary\">Words</h2>\n", to);
	links_glossary(&writer.links);
	fputs(script, to);
	page_end(to);
}
