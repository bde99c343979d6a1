// An OpenID provider that is not ours (oidc-provider), where people sign in in the browser: it asks for a name, believes it, and
// says that the address is verified. From the environment: PORT, REDIRECT_URI, CLIENT_SECRET.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const { PORT, REDIRECT_URI, CLIENT_SECRET } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'provider-1' };

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'gatelodge',
    client_secret: CLIENT_SECRET,
    redirect_uris: [REDIRECT_URI],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [key] },
  // The claims stand in the ID token.
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, email: `${id}@example.com`, email_verified: true }),
  }),
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
});

const page = (body) => `<!doctype html><html lang="en"><title>Provider</title><main>${body}</main></html>`;

// What it asks: who are you (login), and then whether the client may know it (consent), which is granted without a question.
provider.use(async (ctx, next) => {
  const [, uid, action] = /^\/interaction\/([^/]+)(?:\/(abort))?$/.exec(ctx.path) ?? [];
  if (!uid) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  const finish = (result) => provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  ctx.respond = false;
  if (action === 'abort') return finish({ error: 'access_denied', error_description: 'cancelled' });
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return finish({ consent: { grantId: await grant.save() } });
  }
  if (ctx.method === 'POST') {
    const chunks = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    const login = new URLSearchParams(Buffer.concat(chunks).toString()).get('login');
    return finish({ login: { accountId: login } });
  }
  ctx.respond = true;
  ctx.type = 'html';
  ctx.body = page(`<h1>Provider</h1><form method="post"><label>Name <input name="login"></label>
    <button type="submit">Sign in</button></form><a id="cancel" href="/interaction/${uid}/abort">Cancel</a>`);
});

provider.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${issuer}`));
