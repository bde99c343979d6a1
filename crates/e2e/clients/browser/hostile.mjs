// The hostile sample of every page, with each hostile text in place of every text of a stranger: the page has the elements and
// attributes that it has with a harmless text, each address stays ours, the text is shown as it is, nothing runs and nothing is
// asked for. The content security policy is off here: what keeps a text a text is the page alone. From the environment:
// PUBLIC_URL, PAGES (page-kind-number.html; number 0 is the harmless one), TEXTS (a JSON list), CHROMIUM.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { headersOfPages, main, newPage, servePages, watch, withBrowser } from "./chromium.mjs";
import { asShown, difference, readPage } from "./shape.mjs";

const { PUBLIC_URL, PAGES, TEXTS } = process.env;
const UNGUARDED = `<!doctype html><title>x</title><p><bdi>TEXT</bdi><input value="TEXT"></p>`;

await main(() => withBrowser(async (browser) => {
  const texts = JSON.parse(await readFile(TEXTS, "utf8"));
  const files = (await readdir(PAGES)).filter((file) => file.endsWith("-0.html"));
  const headers = await headersOfPages(PUBLIC_URL);
  // A page without any defence: how many of the texts are caught by what this script looks at.
  const unguarded = await lookAtEach(browser, headers, ["unguarded"], texts, (name) =>
    UNGUARDED.replaceAll("TEXT", () => texts[name.split("-")[1]]));
  const isCaught = (_, number) => number > 0 && unguarded.some((problem) => problem.startsWith(`${pathOf("unguarded", number)}: `));
  const kinds = files.map((file) => file.slice(0, -"-0.html".length));
  const problems = await lookAtEach(browser, headers, kinds, texts, (name) => readFile(join(PAGES, `${name}.html`), "utf8"));
  return { pages: kinds.length, texts: texts.length - 1, caught: texts.filter(isCaught).length, problems };
}));

function pathOf(kind, number) {
  return `/sample-${kind}-${number}`;
}

// All that any of the pages did, each beginning with the path of the page.
async function lookAtEach(browser, headers, kinds, texts, read) {
  const page = await newPage(browser, { bypassCSP: true });
  const problems = await watch(page, [new URL(PUBLIC_URL).origin]);
  await servePages(page, PUBLIC_URL, headers, read);
  for (const kind of kinds) await lookAtKind(page, kind, texts, problems);
  await page.close();
  return problems;
}

async function lookAtKind(page, kind, texts, problems) {
  let harmless;
  for (const [number, text] of texts.entries()) {
    const path = pathOf(kind, number);
    const found = (problem) => problems.push(`${path}: ${problem} (${JSON.stringify(text)})`);
    // A page that leads elsewhere by itself cannot be read.
    const read = page.goto(`${PUBLIC_URL}${path}`).then(() => page.evaluate(readPage));
    const seen = await read.catch((error) => ({ shape: error.message, addresses: [], texts: [] }));
    harmless ??= seen;
    if (seen.shape !== harmless.shape) found(`the page has ${difference(harmless.shape, seen.shape)}`);
    for (const address of seen.addresses) {
      if (!address.startsWith(`${PUBLIC_URL}/`)) found(`the page leads to ${address}`);
    }
    if (!seen.texts.some((own) => own.includes(asShown(text)))) found("the text is not shown as it is");
  }
}
