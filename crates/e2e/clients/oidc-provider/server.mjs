// An authorization server that is not ours (oidc-provider), as a sidecar may stand in front of: metadata by OpenID Connect
// Discovery, JWT access tokens of RFC 9068 for every resource but those that end in /opaque, and introspection for those.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const { PORT, SIDECAR_SECRET, AGENT_SECRET } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'other-issuer-1' };

const client = (client_id, client_secret, grant_types) => ({
  client_id,
  client_secret,
  grant_types,
  redirect_uris: [],
  response_types: [],
  id_token_signed_response_alg: 'ES256',
});

const provider = new Provider(issuer, {
  clients: [client('agent', AGENT_SECRET, ['client_credentials']), client('sidecar', SIDECAR_SECRET, [])],
  jwks: { keys: [key] },
  scopes: ['mcp:use'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, asking) => asking.clientId === 'sidecar' },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: 'mcp:use',
        audience: resource,
        accessTokenTTL: 600,
        ...(resource.endsWith('/opaque')
          ? { accessTokenFormat: 'opaque' }
          : { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      }),
    },
  },
});

provider.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${issuer}`));
