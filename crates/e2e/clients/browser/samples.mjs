// Every sample of every page, in Chromium. From the environment: PUBLIC_URL, PAGES (a directory), LANGUAGES (en,de: the words of
// the others are only tried where they have the least room), EVERY_LOOK (1: each screen in both themes), SCREENSHOTS_DIR (only to have pictures), CHROMIUM.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { SCREENS, headersOfPages, main, newPage, servePages, watch, withBrowser } from "./chromium.mjs";
import { LOOKS, inspect } from "./inspect.mjs";

const { PUBLIC_URL, PAGES } = process.env;
const OF_ENGLISH = process.env.EVERY_LOOK === "1" ? LOOKS : [["phone", "dark"], ["wide", "light"]];
const LANGUAGES = (process.env.LANGUAGES ?? "en").split(",");
// What every check must object to, so that none of them goes blind.
const BROKEN = `<!doctype html><html><head><meta charset="utf-8"><title>Broken</title></head><body><main>
<p style="color: #ccc">inline</p><font color="#dddddd">pale</font><pre>${"wide".repeat(500)}</pre><input><a href="a" tabindex="2">second</a><a href="b" tabindex="1">first</a>
<img src="https://elsewhere.example/pixel.png"></main></body></html>`;

await main(() => withBrowser(async (browser) => {
  const files = (await readdir(PAGES)).filter((file) => file.endsWith(".html")).sort();
  const names = files.map((file) => file.slice(0, -".html".length)).filter((name) => LANGUAGES.includes(name.split("-")[0]));
  const read = (name) => (name === "broken" ? BROKEN : readFile(join(PAGES, `${name}.html`), "utf8"));
  const headers = await headersOfPages(PUBLIC_URL);
  const page = await newPage(browser);
  const problems = await watch(page, [new URL(PUBLIC_URL).origin]);
  await servePages(page, PUBLIC_URL, headers, read);
  await check(page, "broken", problems);
  const report = { pages: names.length, broken: problems.splice(0), focus_order: {}, problems };
  for (const name of names) report.focus_order[name] = await check(page, name, problems);
  return report;
}));

async function check(page, name, problems) {
  await page.setViewportSize(SCREENS.wide);
  await page.goto(`${PUBLIC_URL}/sample-${name}`);
  return inspect(page, name, problems, /^(en|broken)/.test(name) ? OF_ENGLISH : LOOKS.slice(0, 1));
}
