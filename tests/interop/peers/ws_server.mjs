// ws_server.mjs - npm ws as a server: echoes, obeys commands, says how each connection ended. With CERTIFICATE and KEY in
// the environment, the names of files, it speaks wss.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { WebSocketServer } from 'ws';

const { CERTIFICATE, KEY, DEFLATE } = process.env;
const web = CERTIFICATE
  ? createSecureServer({ cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) })
  : createServer();
web.on('tlsClientError', (error) => console.log(`refused ${error.code}`));
const server = new WebSocketServer({ server: web, perMessageDeflate: DEFLATE === '1' });
web.listen(0, '127.0.0.1', () => console.log(`listening 127.0.0.1:${web.address().port}`));
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => {
    const [word, code, ...reason] = binary ? [''] : data.toString().split(' ');
    if (word === 'close') {
      socket.close(Number(code), reason.join(' '));
    } else if (word === 'ping') {
      socket.ping('are you there');
    } else if (word === 'fragments') {
      for (const fin of [false, false, true]) socket.send('f'.repeat(1000), { fin });
    } else {
      socket.send(data, { binary });
    }
  });
  socket.on('pong', (payload) => socket.send(`pong ${payload}`));
  socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`));
  socket.on('error', (error) => console.log(`error ${error.code ?? error.message}`));
});
