// An administrator in the browser, on a listener of its own. From the environment: PUBLIC_URL, ADMINISTRATION_LINK (printed for bob).
import assert from "node:assert/strict";
import { newPage, watch } from "./chromium.mjs";
import { connect, errorCode, signIn } from "./person.mjs";

const { PUBLIC_URL, ADMINISTRATION_LINK } = process.env;

export const administration = {
  // Let in by the link, bob ends what alice allowed, and shuts her out. Without script.
  async administration({ client, page, problems }) {
    const tokens = await connect(page, client, "alice");
    const inside = await newPage(page.context().browser(), { javaScriptEnabled: false });
    await watch(inside, [new URL(ADMINISTRATION_LINK).origin], problems);
    await inside.goto(ADMINISTRATION_LINK);
    assert.equal(await inside.innerText("#account"), "bob");
    await inside.click("form#enter button");
    await inside.waitForSelector("nav.places");
    assert.equal(await inside.innerText("#account"), "bob");

    await inside.click("nav.places a[href=users]");
    await inside.fill("form#search input[name=search]", "alice");
    await inside.click("form#search button");
    await inside.locator("section.entry a", { hasText: "alice" }).click();
    await inside.waitForSelector("#id");
    const grant = inside.locator("section.entry", { hasText: client.name });
    await grant.locator("summary").click();
    await grant.locator("details[open] button[type=submit]").click();
    await grant.waitFor({ state: "detached" });
    assert.equal((await client.refresh(tokens.refresh_token)).error, "invalid_grant");

    await inside.locator("details", { has: inside.locator("form#disable") }).locator("summary").click();
    await inside.click("form#disable button");
    await inside.waitForSelector("form#enable", { state: "attached" });
    await page.goto(`${PUBLIC_URL}/account`);
    await page.waitForSelector("form#login");
    await signIn(page, "alice");
    assert.match(await page.innerText("#problem"), /did not match/);

    await inside.click("form#sign-out button");
    assert.equal(await errorCode(inside), "not_let_in");
    // The link is used up, also for whoever is called bob.
    await inside.goto(ADMINISTRATION_LINK);
    assert.equal(await errorCode(inside), "link_ended");
  },
};
