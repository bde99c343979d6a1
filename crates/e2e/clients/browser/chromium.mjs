// Chromium for the scripts beside this one: how it is started, what it may ask for, and how a script ends. From the
// environment: CHROMIUM.
import { chromium } from "playwright-core";

export const SCREENS = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const PATIENCE_MS = 30_000;
// Without these Chromium looks up its vendor's hosts at every start.
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"];

export async function withBrowser(use) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-first-run", "--disable-gpu", ...QUIET],
  });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

export async function newPage(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  return context.newPage();
}

// What a page may never do, as a list that grows: ask for anything of another origin (each request that Chromium makes, by the
// protocol of its developer tools), complain (a violation of the content security policy is an error of the console), run a
// script of a stranger (which would open a dialog). Each begins with the path of the page that did it: it may be told when the
// next page is there already.
export async function watch(page, allowedOrigins, problems = []) {
  // A request that leaves a page is told as one of the page it leads to, and what a frame has inline has no address of ours.
  const note = (url, problem) => {
    const isPage = URL.canParse(url) && allowedOrigins.includes(new URL(url).origin);
    problems.push(`${new URL(isPage ? url : page.url()).pathname}: ${problem}`);
  };
  const tools = await page.context().newCDPSession(page);
  await tools.send("Network.enable");
  tools.on("Network.requestWillBeSent", ({ request, documentURL }) => {
    const { origin, protocol, pathname } = new URL(request.url);
    if (protocol !== "data:" && !allowedOrigins.includes(origin)) note(documentURL, `asks for ${pathname} of ${origin}`);
  });
  page.on("console", (message) => {
    const isComplaint = message.type() === "error" && !/status of [45]\d\d/.test(message.text());
    if (isComplaint) note(message.location().url, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => note(page.url(), `script error: ${error.message}`));
  page.on("dialog", (dialog) => {
    note(page.url(), `dialog: ${dialog.message()}`);
    // Its page may be gone.
    dialog.dismiss().catch(() => {});
  });
  return problems;
}

// The headers that the real server sends with a page: those of an error page, which needs nothing.
export async function headersOfPages(publicUrl) {
  const answer = await fetch(`${publicUrl}/authorize`, { headers: { accept: "text/html" } });
  await answer.arrayBuffer();
  const ofTheConnection = ["connection", "content-encoding", "content-length", "date", "keep-alive", "transfer-encoding"];
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !ofTheConnection.includes(name)));
  if (!headers["content-security-policy"]) throw new Error(`no page came: ${answer.status}`);
  return headers;
}

// A rendered page at the place of a real one, so that it loads what it needs from the real server, under the real headers.
export async function servePages(page, publicUrl, headers, read) {
  await page.route(`${publicUrl}/sample-*`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice("/sample-".length);
    await route.fulfill({ status: 200, headers, body: await read(name) });
  });
}

// Prints the report, one line of JSON, and says by its exit code whether there is one.
export async function main(run) {
  try {
    console.log(JSON.stringify(await run()));
  } catch (error) {
    console.error(error.stack ?? error);
    process.exitCode = 1;
  }
}
