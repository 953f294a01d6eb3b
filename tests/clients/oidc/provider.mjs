// The certified OpenID provider `oidc-provider` on a free port of this machine:
// node provider.mjs TOOLS REDIRECT_URI
//
// PUT /_accounts/NAME makes an account of the claims in the body; POST /_rotate takes
// other keys, POST /_tell-in-token tells claims in the token instead of on being asked.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [tools, redirectUri] = process.argv.slice(2);
const { Provider } = await import(
  pathToFileURL(`${tools}/node/node_modules/oidc-provider/lib/index.js`)
);

const client = (id, more) => ({
  client_id: id,
  client_secret: `${id}-sesame-sesame-sesame-sesame-sesame`,
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  ...more,
});
const accounts = new Map();
let inToken = false;
let keys;
let answer;

const rotate = () => {
  const jwk = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
  keys = [
    jwk('rsa', { modulusLength: 2048 }),
    jwk('ec', { namedCurve: 'P-256' }),
    jwk('ed25519'),
  ].map((key) => ({ ...key, use: 'sig' }));
};

const start = (issuer) => {
  const provider = new Provider(issuer, {
    clients: [
      client('understudy'),
      client('elliptic', { id_token_signed_response_alg: 'ES256' }),
      client('edwards', { id_token_signed_response_alg: 'EdDSA' }),
      client('shared', { id_token_signed_response_alg: 'HS256' }),
      client('public', { client_secret: undefined, token_endpoint_auth_method: 'none' }),
      client('posting', { token_endpoint_auth_method: 'client_secret_post' }),
    ],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'groups', 'units'],
    },
    conformIdTokenClaims: !inToken,
    cookies: { keys: ['for tests'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA', 'HS256'] },
    findAccount: (_, id) =>
      accounts.has(id)
        ? { accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) }
        : undefined,
    jwks: { keys },
    pkce: { required: () => true },
    ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  });
  answer = provider.callback();
};

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};

const control = async (request, response, issuer) => {
  const [, what, name] = request.url.split('/');
  if (what === '_accounts') accounts.set(name, JSON.parse(await body(request)));
  if (what === '_tell-in-token') inToken = true;
  if (what === '_rotate') rotate();
  if (what !== '_accounts') start(issuer);
  response.writeHead(204).end();
};

rotate();
const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  if (request.url.startsWith('/_')) control(request, response, issuer);
  else answer(request, response);
});
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  start(issuer);
  console.log(`listening on ${issuer}`);
});
