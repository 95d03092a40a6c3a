# SPDX-License-Identifier: MIT
"""Do the pages that vfiosim writes work in a browser?

    pages.py VFIOSIM FOLDER

Writes the pages of all cases with their index, that of `case matrix`, and that of a `sweep` of
QEMU's hot-add. Opens each in a headless Chromium, looks at every picture and link, follows every
cell, and leaves screenshots in FOLDER: of some cases in light, dark and on a phone.
Prints "ok", "not ok" and "skip:" lines, exits 1 if a page does not work.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import browser
from browser import Browser, BrowserError
from report import Report, end_on_sigterm, skip

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 120

# Follows each cell's link, as a reader does. What a cell leads to must be seen, be the only
# thing seen there, tell something, and name what the cell's row and column are about.
FOLLOW = """
(() => {
	const bad = [], table = document.querySelector("table.grid");
	const heads = [...table.tHead.rows[0].cells].map(c => c.firstChild.textContent.trim());
	const shown = () => [...document.querySelectorAll("section")].filter(
		s => getComputedStyle(s).display != "none");
	let followed = 0, empty = 0;
	for (const row of table.tBodies[0].rows) {
		const about = row.cells[0].firstChild.textContent.trim();
		for (const cell of [...row.cells].slice(1)) {
			const closes = `#${row.id}`, text = cell.textContent.trim(), link = cell.querySelector("a");
			const name = `${about}, ${heads[cell.cellIndex]}`;
			if (text == "" || text == "-") {
				empty++;
				continue;
			}
			if (!link) {
				bad.push(`${name}: no link`);
				continue;
			}
			location.hash = link.hash;
			const seen = shown(), box = seen[0]?.getBoundingClientRect();
			const story = seen[0]?.querySelector("pre")?.textContent ?? "";
			if (seen.length != 1 || seen[0].id != link.hash.slice(1))
				bad.push(`${name}: ${link.hash} shows ${seen.map(s => s.id)}`);
			else if (box.width < 400 || box.height < 100)
				bad.push(`${name}: its story has no room`);
			else if (!TELLS(seen[0], story, about, heads[cell.cellIndex]))
				bad.push(`${name}: not its story: ${seen[0].textContent.slice(0, 200)}`);
			location.hash = seen[0]?.querySelector("a")?.hash ?? "";
			if (shown().length || location.hash != closes)
				bad.push(`${name}: its story closes to ${location.hash}, not to its row`);
			followed++;
		}
	}
	scrollTo(0, document.body.scrollHeight);
	const head = table.tHead.rows[0].cells[0].getBoundingClientRect();
	if (scrollY == 0 || head.top < 0 || head.bottom > innerHeight)
		bad.push(`scrolled down by ${scrollY}, the head of the table is at ${head.top}`);
	return {followed, empty, bad};
})()
"""

# A sweep's story tells of the point, and of what was injected.
SWEEP_TELLS = """(section, story, place, effect) => section.querySelector("p").textContent ==
	`${place},${effect}` && /by fault\\s+1:/.test(story)"""
# A case's story begins with its name, the mode, and the policy where there is one.
MATRIX_TELLS = """(section, story, name, column) => {
	const scripted = column.match(/^as scripted, (.*)$/);
	const begins = scripted ? [`${name} ${scripted[1]}:`] :
		[`${name} legacy ${column}:`, `${name} iommufd ${column}:`];
	return begins.some(words => story.startsWith(words)) && story.split("\\n").length > 3;
}"""


# Text that leaves the frame it stands in, a picture wider than the page, links to nowhere; a dark
# page on which the ink is dark. What is told first is what a reader would see first.
CASE = """
(() => {
	const bad = [], svgs = [...document.querySelectorAll("svg")];
	const frame = (svg, text) => {
		const x = +text.getAttribute("x"), y = +text.getAttribute("y");
		const around = [...svg.querySelectorAll("rect")].map(r => r.getBBox()).filter(
			b => x >= b.x && x <= b.x + b.width && y >= b.y && y <= b.y + b.height);
		return around.sort((a, b) => a.width * a.height - b.width * b.height)[0];
	};
	for (const svg of svgs)
		for (const text of svg.querySelectorAll("text")) {
			const box = text.getBBox(), around = frame(svg, text);
			if (!around || box.x < around.x || box.x + box.width > around.x + around.width ||
			    box.y < around.y || box.y + box.height > around.y + around.height)
				bad.push(`"${text.textContent}" leaves its frame`);
		}
	for (const link of document.querySelectorAll("a[href^='#']"))
		if (link.hash.length > 1 && !document.getElementById(link.hash.slice(1)))
			bad.push(`${link.hash} leads nowhere`);
	if (document.documentElement.scrollWidth > innerWidth)
		bad.push(`${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
	const next = document.getElementById("next"), where = document.getElementById("where");
	if (document.querySelector(".step")) {
		next.click();
		if (!/^step 1 of /.test(where.textContent) || !document.querySelector(".step.now"))
			bad.push("next does not step");
	}
	return {pictures: svgs.length, bad};
})()
"""
LOOKS = {"": {}, "-dark": {"dark": True}, "-phone": {"width": 390, "height": 844}}
SEEN = ("mdev-hotadd", "tour-reserved", "replace")     # of these, screenshots in each look


def quiet(report, page, name):
    """Nothing was complained about since the page was opened."""
    report.check(not page.complaints, f"{name}: the browser complains about nothing",
                 "\n".join(page.complaints))
    page.complaints.clear()


def look_at_case(page, path, shot):
    """(number of pictures, what is wrong) on a page of a case.

    @shot: where screenshots go, in each look; None: nowhere, in one.
    """
    pictures, bad = 0, []
    for look, how in LOOKS.items():
        if look and not shot:
            continue
        page.look(**how)
        page.open(path)
        found = page.run(CASE)
        pictures = found["pictures"]
        bad += [f"{look or 'light'}: {words}" for words in found["bad"]]
        if shot:
            page.screenshot(shot + look + ".png")
    page.look()
    bad += page.complaints
    page.complaints.clear()
    return pictures, [f"{os.path.basename(path)}: {words}" for words in bad[:10]]


def check_cases(report, page, folder, shots):
    """Every page of the folder that `case run --html DIR/` writes."""
    pages, pictures, bad = 0, 0, []
    for name in sorted(os.listdir(folder)):
        stem = name.removesuffix(".html")
        shot = os.path.join(shots, stem) if stem in SEEN else None
        more, wrong = look_at_case(page, os.path.join(folder, name), shot)
        pages, pictures, bad = pages + 1, pictures + more, bad + wrong
    report.check(not bad and pages > 100 and pictures > 500,
                 f"pages of all cases: {pages} pages, {pictures} pictures, "
                 "every text in its frame, no link to nowhere, no complaint",
                 "\n".join(bad[:20]))


def check_table(report, page, path, tells, shot):
    """A page of cells: every cell followed, two screenshots."""
    name = os.path.basename(path)
    page.open(path)
    page.screenshot(shot + ".png")
    found = page.run(FOLLOW.replace("TELLS(", f"({tells})("))
    report.check(found["followed"] > 0 and not found["bad"],
                 f"{name}: each of {found['followed']} cells leads to its story",
                 "\n".join(found["bad"][:10]))
    page.run("""location.hash = document.querySelector("td.refused a, td.omitted a").hash""")
    # a frame drawn since
    page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.screenshot(shot + "-story.png")
    quiet(report, page, name)


def write(report, path, *argv):
    """Runs a vfiosim that writes a page. Defects and mismatches are no failure here."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
    return report.check(done.returncode in (0, 1) and os.path.exists(path),
                        f"{os.path.basename(path.rstrip('/'))} is written", done.stdout)


def check_pages(report, page, vfiosim, folder, shots):
    """Each page that can be made here."""
    cases = os.path.join(folder, "cases", "")
    matrix, sweep = (os.path.join(folder, name + ".html") for name in ("matrix", "sweep"))
    if write(report, cases, vfiosim, "case", "run", "--html", cases):
        check_cases(report, page, cases, shots)
    if write(report, matrix, vfiosim, "case", "matrix", "--html", matrix):
        check_table(report, page, matrix, MATRIX_TELLS, os.path.join(shots, "matrix"))
    if not shutil.which("qemu-system-x86_64"):
        skip("the page of a sweep", "there is no qemu-system-x86_64 here")
    elif write(report, sweep, vfiosim, "sweep", "-j", str(os.cpu_count()), "-t", "hotadd",
               "--max-unstable", "99", "--shallow", "40", "--html", sweep, "--",
               os.path.join(HERE, "qemu_sweep.sh"), "legacy", "qemu-system-x86_64"):
        check_table(report, page, sweep, SWEEP_TELLS, os.path.join(shots, "sweep"))


def main():
    """Command line."""
    if len(sys.argv) != 3:
        sys.exit("usage: pages.py VFIOSIM FOLDER")
    if not browser.command():
        skip("the pages", "there is no chromium here")
        return
    end_on_sigterm()
    report = Report()
    os.makedirs(sys.argv[2], exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vfiosim-pages-") as folder:
        try:
            page = Browser()
        except (BrowserError, OSError) as error:
            skip("the pages", f"{browser.command()} does not start: {error}")
            return
        try:
            check_pages(report, page, sys.argv[1], folder, sys.argv[2])
        except BrowserError as error:
            report.check(False, "the browser works to the end", error)
        finally:
            page.close()
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
