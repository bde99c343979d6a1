// The person at the browser, in real headless Chromium: signs in, reads the consent page and decides. One script for all
// clients: the TypeScript drivers import it, the Python drivers run `node browser.mjs AUTHORIZATION_URL`, which prints one
// JSON line. From the environment: SIGN_IN_USERNAME, SIGN_IN_PASSWORD, DECISION=allow|deny, SCREENSHOTS_DIR, CHROMIUM.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const PATIENCE_MS = 30_000;
const SCREENS = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const COLOUR_SCHEMES = ["light", "dark"];
// Without these Chromium looks up its vendor's hosts at every start.
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"];

export async function decideInBrowser(authorizationUrl, environment = process.env) {
  const browser = await chromium.launch({
    executablePath: environment.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-first-run", "--disable-gpu", ...QUIET],
  });
  try {
    return await decide(await browser.newContext(), authorizationUrl, environment);
  } finally {
    await browser.close();
  }
}

async function decide(context, authorizationUrl, environment) {
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const redirectUri = new URL(authorizationUrl).searchParams.get("redirect_uri");
  const visit = watch(page, [new URL(authorizationUrl).origin, new URL(redirectUri).origin]);
  const screenshots = (name) => takeScreenshots(page, name, environment.SCREENSHOTS_DIR, visit.problems);

  await page.goto(authorizationUrl);
  await expectElement(page, "form#login");
  await screenshots("sign-in");
  await collectSecrets(page, visit.secrets);
  await page.fill("form#login input[name=username]", environment.SIGN_IN_USERNAME);
  await page.fill("form#login input[name=password]", environment.SIGN_IN_PASSWORD);
  await page.click("#sign-in");

  await expectElement(page, "form#consent");
  await screenshots("consent");
  await collectSecrets(page, visit.secrets);
  const consent = await readConsent(page);
  await page.click(environment.DECISION === "deny" ? "#deny" : "#allow");
  await page.waitForURL((url) => url.href.startsWith(`${redirectUri}?`));

  if (visit.problems.length > 0) throw new Error(`the browser complains:\n${visit.problems.join("\n")}`);
  const cookies = (await context.cookies()).map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }));
  return { pages: visit.pages, consent, cookies, secrets: [...visit.secrets] };
}

// Notes the pages, and as problems: requests to foreign origins, console errors (a CSP violation is one), failed requests.
function watch(page, allowedOrigins) {
  const visit = { pages: [], problems: [], secrets: new Set() };
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !allowedOrigins.includes(origin)) visit.problems.push(`request to a foreign origin: ${origin}`);
  });
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    visit.pages.push(`${response.request().method()} ${pathname} ${response.status()}`);
    if (response.status() >= 400) visit.problems.push(`${pathname} answered ${response.status()}`);
  });
  page.on("requestfailed", (request) => {
    visit.problems.push(`${new URL(request.url()).pathname} failed: ${request.failure()?.errorText}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") visit.problems.push(`console error at ${withoutQuery(message.location().url)}: ${message.text()}`);
  });
  page.on("pageerror", (error) => visit.problems.push(`script error: ${error.message}`));
  return visit;
}

// The query of an authorization response carries the code.
const withoutQuery = (url) => url.split("?")[0];

async function expectElement(page, selector) {
  try {
    await page.waitForSelector(selector);
  } catch {
    const text = await page.innerText("body").catch(() => "(no text)");
    throw new Error(`no ${selector} at ${new URL(page.url()).pathname}; the page says:\n${text}`);
  }
}

async function takeScreenshots(page, name, directory, problems) {
  if (!directory) return;
  await mkdir(directory, { recursive: true });
  for (const [screen, size] of Object.entries(SCREENS)) {
    await page.setViewportSize(size);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (overflow > 0) problems.push(`${name} is ${overflow} px wider than the ${screen} screen`);
    for (const colorScheme of COLOUR_SCHEMES) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(directory, `${name}-${screen}-${colorScheme}.png`), fullPage: true });
    }
  }
}

async function readConsent(page) {
  const read = async (selector) => (await page.locator(selector).count()) ? (await page.innerText(selector)).trim() : null;
  return {
    client_name: await read("#client-name"),
    redirect_host: await read("#redirect-host"),
    resource_name: await read("#resource-name"),
    account: await read("#account"),
    loopback_warning: await read("#loopback-warning"),
  };
}

// Hidden form fields (transaction, CSRF token) and cookie values: none of them may turn up in a log.
async function collectSecrets(page, secrets) {
  for (const value of await page.locator("input[type=hidden]").evaluateAll((inputs) => inputs.map((input) => input.value))) secrets.add(value);
  for (const { value } of await page.context().cookies()) secrets.add(value);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(JSON.stringify(await decideInBrowser(process.argv[2])));
  } catch (error) {
    console.error(`browser: ${error.message}`);
    process.exitCode = 1;
  }
}
