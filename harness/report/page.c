/* SPDX-License-Identifier: MIT */
/* See page.h. */
#include "report/page.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--quiet:#57606a;--rule:#c8ced5;"
	"--panel:#f3f5f7;--ok:#116329;--refused:#b3141d;--mark:#0550ae;--ram:#cfe3ff;--bar:#ffe2b8;"
	"--resv:#dcdfe3}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--paper:#14171b;--quiet:#a2abb5;"
	"--rule:#434b55;--panel:#1e2329;--ok:#6fd48a;--refused:#ff8f8a;--mark:#82b7ff;--ram:#1d3c66;"
	"--bar:#5c4216;--resv:#3a4047}}\n"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;padding:1rem;max-width:60rem;color:var(--ink);background:var(--paper);"
	"font:1rem/1.5 system-ui,sans-serif;overflow-wrap:break-word}\n"
	"h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}"
	"a{color:var(--mark)}a:focus,.now{outline:3px solid var(--mark);outline-offset:3px}\n"
	"code,pre,.mono{font-family:ui-monospace,monospace;font-size:.9em}"
	"pre{background:var(--panel);padding:.7rem;overflow-x:auto;white-space:pre-wrap}\n"
	".ok{color:var(--ok)}.refused{color:var(--refused);font-weight:bold}.quiet{color:var(--quiet)}\n"
	"table.grid{border-collapse:collapse}"
	".grid th,.grid td{border:1px solid var(--rule);padding:.3rem .6rem;text-align:left;"
	"vertical-align:top}.grid th{background:var(--panel)}\n"
	"figure{margin:1rem 0}figcaption{color:var(--quiet);font-size:.9em}"
	"svg{width:100%;height:auto;max-width:56rem}svg text{fill:var(--ink);"
	"font:13px ui-monospace,monospace}.box{fill:var(--panel);stroke:var(--rule)}"
	".line{stroke:var(--ink)}.ram{fill:var(--ram)}.bar{fill:var(--bar)}.resv{fill:var(--resv)}"
	".conflict{fill:none;stroke:var(--refused);stroke-width:3}\n"
	"dl.glossary dt{font-weight:bold;margin-top:.6rem}dl.glossary dd{margin:0}\n"
	"footer{margin-top:3rem;border-top:1px solid var(--rule);color:var(--quiet);font-size:.9em}\n"
	"@media print{:root{--ink:#000;--paper:#fff;--quiet:#333;--rule:#888;--panel:#fff;--ok:#000;"
	"--refused:#000;--mark:#000;--ram:#eee;--bar:#ddd;--resv:#bbb}"
	"body{max-width:none}section{break-inside:avoid}nav{display:none}}\n";

void page_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\n':
		case '\t':
			putc(*text, to);
			break;
		default:
			putc((unsigned char)*text < 0x20 ? '?' : *text, to);
		}
	}
}

void page_begin(FILE *to, const char *title, const char *about)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", to);
	page_text(to, title);
	fprintf(to, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style>\n</head>\n<body>\n"
		    "<header><h1>", style);
	page_text(to, title);
	fputs("</h1>\n", to);
	if (about) {
		fputs("<p>", to);
		page_text(to, about);
		fputs("</p>\n", to);
	}
	fputs("</header>\n<main>\n", to);
}

void page_end(FILE *to)
{
	fputs("</main>\n<footer><p>Made by vfiosim, which simulates the kernel's side of VFIO.</p>"
	      "</footer>\n</body>\n</html>\n", to);
}
