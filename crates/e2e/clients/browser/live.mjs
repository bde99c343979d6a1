// The live pages as a person comes by them, each looked at. From the environment: PUBLIC_URL, MCP_URL, CHROMIUM, PASSWORD (of
// the user alice), SCREENSHOTS_DIR (only to have pictures).
import { Client } from "./client.mjs";
import { main, newPage, watch, withBrowser } from "./chromium.mjs";
import { inspect } from "./inspect.mjs";

const { PUBLIC_URL, PASSWORD } = process.env;

await main(() => withBrowser(async (browser) => {
  const client = await Client.register();
  const page = await newPage(browser);
  const problems = await watch(page, [new URL(PUBLIC_URL).origin, client.origin]);
  const focus_order = {};
  const look = async (name, selector) => {
    await page.waitForSelector(selector);
    focus_order[name] = await inspect(page, name, problems);
  };
  const signIn = async (password) => {
    await page.fill("form#login input[name=username]", "alice");
    await page.fill("form#login input[name=password]", password);
    await page.click("#sign-in");
  };

  await page.goto(`${PUBLIC_URL}/authorize`);
  await look("error", "#error-code");
  await page.goto(client.request().url);
  await look("sign-in", "form#login");
  await signIn("not the password");
  await look("sign-in-refused", "#problem");
  await signIn(PASSWORD);
  await look("consent", "form#consent");
  await page.click("#allow");
  await page.waitForURL((url) => url.origin === client.origin);
  await page.goBack();
  await look("request-ended", "#error-code");
  for (const path of ["account", "account/tokens", "password"]) {
    await page.goto(`${PUBLIC_URL}/${path}`);
    await look(path.replace("/", "-"), "main h1");
  }
  return { focus_order, problems };
}));
